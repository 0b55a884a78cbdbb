"""Least-squares adversarial losses (P. Hardy et al., "Optimising 2D pose representation", 2022, Eq.
6; X. Mao et al., "Least squares generative adversarial networks", 2017).
"""
from typing import Optional

import torch
from torch import Tensor


def least_squares_generator_loss(fake: Tensor) -> Tensor:
    """``1/2 E[(D(fake) - 1)^2]``.

    Args:
        fake: The critic's scores of made poses, ``(B,)``.

    Returns:
        A scalar.
    """
    return 0.5 * (fake - 1).square().mean()


def least_squares_critic_loss(real: Tensor, fake: Tensor,
                              swapped: Optional[Tensor] = None) -> Tensor:
    """``1/2 E[(D(real) - 1)^2] + 1/2 E[D(fake)^2]``.

    Args:
        real: The critic's scores of real poses, ``(B,)``.
        fake: Those of made poses, ``(B,)``.
        swapped: True where the labels 1 and 0 of a real and a made pose are exchanged, ``(B,)`` or
            what broadcasts to it (Sec. 3.6: with a chance of 10 %).

    Returns:
        A scalar.
    """
    label = torch.ones_like(real) if swapped is None else 1 - swapped.to(real.dtype)
    return 0.5 * (real - label).square().mean() + 0.5 * (fake - (1 - label)).square().mean()
