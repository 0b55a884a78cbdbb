"""What our batch samplers want of the data loader's sampler."""
from typing import Any

from mmviewpose.errors import UserError

_NEEDED = ('dataset', 'shuffle', 'seed', 'epoch', 'rank', 'world_size')


def require_default_sampler(sampler: Any, user: str) -> None:
    """Check that a sampler has the attributes of mmengine's ``DefaultSampler``.

    Raises:
        UserError: Names what it lacks, and who wants it.
    """
    missing = [name for name in _NEEDED if not hasattr(sampler, name)]
    if missing:
        raise UserError(f"config: {user} needs sampler=dict(type='DefaultSampler'); "
                        f'{type(sampler).__name__} has no {", ".join(missing)}')
