import torch
from torch import Tensor, nn

from ...functional.adversarial import least_squares_critic_loss, least_squares_generator_loss
from ...registry import MODELS


@MODELS.register_module()
class LeastSquaresAdversarialLoss(nn.Module):
    """Least-squares losses of a critic and of what it judges, the critic's labels swapped at times
    (L_adv of P. Hardy et al., "Optimising 2D pose representation", Eq. 6 and Sec. 3.6).

    Args:
        loss_weight: Factor on the generator's loss, w_1 of Eq. 7.
        swap_prob: Chance that labels are swapped.
        swap: What is swapped at once: the labels of a ``'batch'``, or of each ``'pose'``.

    Raises:
        ValueError: ``swap`` is unknown, or ``swap_prob`` is no probability.
    """

    def __init__(self, loss_weight: float = 1., swap_prob: float = 0.1,
                 swap: str = 'batch') -> None:
        super().__init__()
        if swap not in ('batch', 'pose'):
            raise ValueError(f"swap must be 'batch' or 'pose', got {swap!r}")
        if not 0 <= swap_prob <= 1:
            raise ValueError(f'swap_prob must be from 0 to 1, got {swap_prob}')
        self.loss_weight, self.swap_prob, self.swap = loss_weight, swap_prob, swap

    def forward(self, fake: Tensor) -> Tensor:
        """The generator's loss of the critic's scores ``(B,)`` of made poses."""
        return self.loss_weight * least_squares_generator_loss(fake)

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """The critic's own loss of its scores ``(B,)`` of real and of made poses."""
        shape = real.shape if self.swap == 'pose' else (1, )
        swapped = torch.rand(shape, device=real.device) < self.swap_prob
        return least_squares_critic_loss(real, fake, swapped)
