"""How far a recovered pose is from the true one."""
from typing import Optional

from torch import Tensor

from .reduction import drop_unweighted, expand_weight, reduce, safe_norm


def joint_position_loss(pred: Tensor,
                        target: Tensor,
                        weight: Optional[Tensor] = None,
                        reduction: str = 'mean') -> Tensor:
    """Distance between recovered and true joints: L_P of SeBiReNet, Eq. 9.

    Args:
        pred: Recovered poses, ``(..., K, D)``.
        target: True poses, ``(..., K, D)``, in the same unit.
        weight: Weights or mask of the joints, ``(..., K)`` or what broadcasts to it. Joints of
            weight 0 may be NaN.
        reduction: ``'mean'`` over samples and joints together, ``'sum'`` (the paper), or
            ``'none'`` for ``(..., K)``.

    Returns:
        Distance in the unit of the poses. Its gradient where a joint is exact is 0.

    Raises:
        ValueError: If the weights do not fit.
    """
    difference = pred - target
    weight = expand_weight(weight, difference)
    if weight is not None:
        difference = drop_unweighted(difference, weight.unsqueeze(-1))
    return reduce(safe_norm(difference), reduction, weight)
