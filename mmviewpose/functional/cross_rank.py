"""Rows of all ranks of a distributed training as one batch."""
import math
from typing import Any, List, Sequence, Tuple

import torch
import torch.distributed as dist
from torch import Tensor


def gather_rows(*tensors: Tensor) -> Tuple[Tensor, ...]:
    """The rows of all ranks, one rank after the other, for a loss that compares samples.

    Each rank then computes **the same loss of all rows**, with the same factor. The gradient of a
    rank's own rows comes back times the number of ranks; nothing is sent for it. When
    ``DistributedDataParallel`` averages over the ranks, the parameters get the gradient of one
    process that had all rows in one batch. (``all_reduce`` or ``all_gather`` alone give the right
    value and a wrong gradient.)

    All ranks must call it alike: as often, and in the same order. Ranks may have different numbers
    of rows, none too. Without a process group, or with one rank, the tensors are returned as they
    are. Floating-point types below float32 are gathered as float32, which every backend sends.

    Args:
        tensors: ``(m, ...)``, m rows each, with any shape behind that is equal on all ranks.

    Returns:
        As many, ``(M, ...)``, M the sum of all ranks' m.

    Raises:
        ValueError: Tensors of different length; or, on every rank, ranks whose tensors differ in
            number or in the size of a row.
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return tensors
    lengths = _lengths(tensors)
    return tuple(_GatherRows.apply(tensor, lengths) for tensor in tensors)


def _lengths(tensors: Sequence[Tensor]) -> List[int]:
    """How many rows each rank has; a mismatch that would stop or garble the exchange is found."""
    rows = {len(tensor) for tensor in tensors}
    if len(rows) != 1:
        raise ValueError('tensors to gather must have as many rows each, got '
                         f'{[tuple(tensor.shape) for tensor in tensors]}')
    row_size = sum(math.prod(tensor.shape[1:]) for tensor in tensors)
    mine = torch.tensor([*rows, len(tensors), row_size], device=tensors[0].device)
    found = [torch.empty_like(mine) for _ in range(dist.get_world_size())]
    dist.all_gather(found, mine)
    lengths, counts, row_sizes = torch.stack(found).t().tolist()
    if len(set(counts)) > 1 or len(set(row_sizes)) > 1:
        raise ValueError('ranks gather different things: rank by rank, '
                         f'{counts} tensors with {row_sizes} numbers a row')
    return lengths


class _GatherRows(torch.autograd.Function):

    @staticmethod
    def forward(ctx: Any, rows: Tensor, lengths: List[int]) -> Tensor:
        rank = dist.get_rank()
        ctx.start, ctx.length, ctx.dtype = sum(lengths[:rank]), lengths[rank], rows.dtype
        ctx.num_ranks = len(lengths)
        if rows.dtype in (torch.float16, torch.bfloat16):
            rows = rows.float()
        # backends want equal shapes
        sent = rows.new_zeros((max(lengths), *rows.shape[1:]))
        sent[:len(rows)] = rows
        parts = [torch.empty_like(sent) for _ in lengths]
        dist.all_gather(parts, sent)
        return torch.cat([part[:length] for part, length in zip(parts, lengths)])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tuple[Tensor, None]:
        own = grad.narrow(0, ctx.start, ctx.length)
        return (own * ctx.num_ranks).to(ctx.dtype), None
