"""Retrieval with PA-MPJPE against a plain loop over queries, and the memory that it takes."""
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Dict, List, Sequence, Tuple

import numpy as np
import torch

from mmviewpose.functional.retrieval import nearest, pa_mpjpe_of

K, DIM, JOINTS, VIEWS = 20, 128, 16, 4
LOOPED = 100            # queries that the loop is timed on
ROWS = 200              # queries of a bare product


def data(count: int) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Embeddings of length 1 ``(N, D)``, poses ``(N, J, 3)`` in mm and views ``(N,)``."""
    generator = torch.Generator().manual_seed(0)
    embeddings = torch.randn(count, DIM, generator=generator)
    embeddings /= embeddings.norm(dim=1, keepdim=True)
    poses = 200 * torch.randn(count, JOINTS, 3, generator=generator)
    return embeddings, poses, torch.arange(count) % VIEWS


def search(embeddings: torch.Tensor, view: torch.Tensor) -> torch.Tensor:
    """Ours: the nearest of other views, ``(N, K)``."""
    return nearest(embeddings, embeddings, K, [(view, view)])[1]


def retrieve(embeddings: torch.Tensor, poses: torch.Tensor, view: torch.Tensor) -> torch.Tensor:
    """Ours: errors of the nearest of other views, ``(N, K)``."""
    return pa_mpjpe_of(poses, poses, search(embeddings, view))


def looped(embeddings: np.ndarray, poses: np.ndarray, view: np.ndarray, queries: Sequence[int]
           ) -> np.ndarray:
    """A loop: distances, argsort, and mmpose's alignment pair by pair."""
    # here, since children that measure memory need neither
    import mmviewpose.compat  # noqa: F401  (mmpose imports only with its stand-ins in place)
    from mmpose.evaluation.functional.mesh_eval import compute_similarity_transform
    errors = np.empty((len(queries), K))
    for row, query in enumerate(queries):
        distances = np.linalg.norm(embeddings - embeddings[query], axis=1)
        distances[view == view[query]] = np.inf
        for place, other in enumerate(distances.argsort()[:K]):
            aligned = compute_similarity_transform(poses[other], poses[query])
            errors[row, place] = np.linalg.norm(aligned - poses[query], axis=-1).mean()
    return errors


def products(embeddings: torch.Tensor) -> None:
    """What no exact search by products does without: the products, and the k largest."""
    for rows in embeddings.split(ROWS):
        (rows @ embeddings.t()).topk(K)


def _seconds(form: Callable) -> float:
    start = time.process_time()     # of the one thread: a busy machine does not count
    form()
    return time.process_time() - start


def growth(count: int) -> float:
    """MB by which a child process with the data grows at its peak while it retrieves."""
    done = subprocess.run([sys.executable, str(Path(__file__).resolve()), str(count)],
                          capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def _memory(name: str) -> float:
    """A figure of ``/proc/self/status`` in MB."""
    lines = Path('/proc/self/status').read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name + ':'))


def _child(count: int) -> None:
    torch.set_num_threads(1)
    retrieve(*data(200))        # loads the libraries
    values = data(count)
    Path('/proc/self/clear_refs').write_text('5')       # the peak so far is forgotten
    before = _memory('VmRSS')
    retrieve(*values)
    print(_memory('VmHWM') - before)


def run(count: int = 5000, rounds: int = 3, sizes: Sequence[int] = (5000, 20000, 100000),
        **_: object) -> Dict[str, float]:
    """Times and memory on one thread: K 20, 128 dimensions, 16 joints, 4 views, other views only.

    Times are the processor's. The loop over queries is timed on 100 queries, evenly taken, and
    scaled to all.

    Args:
        count: Images to time with.
        rounds: Runs; medians are taken, and the forms take turns.
        sizes: Numbers of images whose memory is measured (Linux).

    Returns:
        ``loop_s`` (scaled), ``ours_s`` and ``products_s``; ``ratio_5k``, the loop over ours;
        ``of_products``, ours over the bare products and their largest, and
        ``search_of_products``, without PA-MPJPE; ``max_rel_diff``, that of the errors;
        ``mb_5k`` and so on, the growth at its peak by the number of images.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        values = data(count)
        arrays = [value.numpy() for value in values]
        queries = list(range(0, count, max(1, count // LOOPED)))
        expected = looped(*arrays, queries)
        difference = np.abs(retrieve(*values)[queries].numpy() / expected - 1).max()
        times: Dict[str, List[float]] = dict(loop=[], ours=[], search=[], products=[])
        for _ in range(rounds):
            times['loop'].append(_seconds(lambda: looped(*arrays, queries)))
            times['ours'].append(_seconds(lambda: retrieve(*values)))
            times['search'].append(_seconds(lambda: search(values[0], values[2])))
            times['products'].append(_seconds(lambda: products(values[0])))
    finally:
        torch.set_num_threads(before)
    loop, ours, searched, bare = (statistics.median(found) for found in times.values())
    loop *= count / len(queries)
    return dict(loop_s=loop, ours_s=ours, products_s=bare, ratio_5k=loop / ours,
                of_products=ours / bare, search_of_products=searched / bare,
                max_rel_diff=float(difference),
                **{f'mb_{size // 1000}k': growth(size) for size in sizes})


if __name__ == '__main__':
    _child(int(sys.argv[1]))
