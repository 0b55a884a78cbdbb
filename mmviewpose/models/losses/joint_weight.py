"""How mmpose's heads hand over their weights."""
from typing import Optional

from torch import Tensor


def joint_weight(weight: Optional[Tensor], pred: Tensor) -> Optional[Tensor]:
    """Weights of the joints ``(..., K)``, from these or from ``(..., K, 1)``.

    Args:
        weight: As a caller gave it; mmpose's heads add a last axis of one.
        pred: The poses ``(..., K, D)``.

    Raises:
        ValueError: Weights with an axis for each coordinate.
    """
    if weight is None or weight.dim() < pred.dim():
        return weight
    if weight.shape[-1] != 1:
        raise ValueError(f'one weight a joint is wanted, (..., K) or (..., K, 1), got '
                         f'{tuple(weight.shape)} for poses {tuple(pred.shape)}')
    return weight.squeeze(-1)
