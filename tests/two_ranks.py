"""Tests of distributed code: a function on two processes that gloo joins."""
import json
import os

import torch.distributed as dist
import torch.multiprocessing as mp


def _worker(rank, action, folder):
    dist.init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2)
    result = action()
    (folder / f'{action.__name__}{rank}.json').write_text(json.dumps(result))
    dist.barrier()
    os._exit(0)  # torch 2.1 may deadlock in the destructor of a gloo group after a broadcast


def run_on_two_ranks(action, folder):
    """What ``action``, a function of a module, returns on each rank, as JSON gives it back."""
    mp.spawn(_worker, (action, folder), nprocs=2)
    return [json.loads((folder / f'{action.__name__}{rank}.json').read_text())
            for rank in range(2)]
