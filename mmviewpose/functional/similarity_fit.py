"""Least-squares similarities from sums over points, with a backward of their own.

The sums are few and small: everything here is float64. The gradient is finite for all finite input.
"""
from functools import lru_cache
from typing import Tuple

import torch
from torch import Tensor

from ..geometry.alignment import _OptimalRotation
from ..geometry.rotation import quaternion_to_matrix

# From so many rotations on, the closed form is faster than eigenvectors.
_MANY = 512
# Of the largest sum of two singular values: below, a rotation is free about an axis.
_FREE = 1e-6


@lru_cache(maxsize=None)
def _quaternion_products(device: torch.device) -> Tensor:
    """``(16, 9)``: Q with ``R = (q q^T) Q`` for a unit quaternion q, matrices flat."""
    with torch.inference_mode(False):
        unit = torch.eye(4, dtype=torch.float64)
        sums = unit[:, None] + unit
        # |q|^2 R is a quadratic form in q
        forms = sums.square().sum(-1)[..., None, None] * quaternion_to_matrix(sums)
        squares = quaternion_to_matrix(unit)
        return ((forms - squares[:, None] - squares) / 2).reshape(16, 9).to(device)


class _Rotations:
    """Rotations that maximise ``trace(R^T M)``, with a pull-back that is finite for any M.

    Many are found in closed form (:mod:`mmviewpose.geometry.alignment`). Few are found, in a tenth
    of the operations, from the eigenvectors of Horn's key matrix ``Q M``: the quaternion is that of
    the largest eigenvalue, which is the maximum, and the others are ``2 (s_i + s_j)`` smaller, with
    the singular values s of M (s_3 with the sign of det M).

    Args:
        covariance: M, ``(n, 3, 3)`` float64. What is not finite gives some rotation, or NaN.
        with_gradient: There will be a pull-back.
    """

    def __init__(self, covariance: Tensor, with_gradient: bool) -> None:
        self.few = len(covariance) < _MANY
        if self.few:
            self.products = _quaternion_products(covariance.device)
            covariance = torch.nan_to_num(covariance, posinf=0., neginf=0.)
            self.values, self.vectors = torch.linalg.eigh(self._forms(covariance))
            self.quaternion = self.vectors[:, :, 3:]
            self.matrix = self._matrices(self.quaternion)
            self.maximum = self.values[:, 3:].unsqueeze(2)
        else:
            with torch.set_grad_enabled(with_gradient):
                self.covariance = covariance.permute(1, 2, 0).contiguous()
                self.covariance.requires_grad_(with_gradient)
                self.optimal = _OptimalRotation.apply(self.covariance, False)
            self.matrix = self.optimal.detach().permute(2, 0, 1)
            self.maximum = _inner(self.matrix, covariance)

    def _forms(self, matrices: Tensor) -> Tensor:
        return (matrices.flatten(1) @ self.products.t()).view(-1, 4, 4)

    def _matrices(self, left: Tensor) -> Tensor:
        return ((left * self.quaternion.transpose(1, 2)).flatten(1) @ self.products).view(-1, 3, 3)

    def pull_back(self, gradient: Tensor) -> Tuple[Tensor, Tensor]:
        """From the gradient of R to that of M, and ``trace(R^T gradient)`` ``(n, 1, 1)``."""
        if self.few:
            change = torch.bmm(self._forms(gradient), self.quaternion)
            change = torch.bmm(self.vectors.transpose(1, 2), change)
            gaps = self.maximum - self.values.unsqueeze(2)
            turn = (2 * change / gaps).masked_fill_(gaps <= _FREE * gaps[:, :1], 0.)
            return self._matrices(torch.bmm(self.vectors, turn)), change[:, 3:]
        result, = torch.autograd.grad(self.optimal, self.covariance, gradient.permute(1, 2, 0),
                                      retain_graph=True)
        return result.permute(2, 0, 1), _inner(self.matrix, gradient)


def _inner(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum((1, 2)).view(-1, 1, 1)


class SimilarityFit:
    """Similarities ``x_b ~ matrix x_a + offset`` of least squares, for n pairs (Eq. 3, 4).

    Args:
        sums: Weighted sums over the points, ``(n, 17 or more)`` float64: of ``(x_b, 1)(x_a, 1)^T``,
            then of ``|x_a|^2`` in one or more terms.
        place: Squared distance of these points' origin from that of the poses, ``(n, 1, 1)``.
        eps: Precision of the points.
        with_gradient: :meth:`of_sums` will be called.
    """

    def __init__(self, sums: Tensor, place: Tensor, eps: float, with_gradient: bool) -> None:
        products = sums[:, :16].view(-1, 4, 4)
        total = products[:, 3:, 3:]
        self.total = total + (total == 0)
        self.source = products[:, 3:, :3] / self.total  # mean of x_a, (n, 1, 3)
        self.target = products[:, :3, 3:] / self.total  # mean of x_b, (n, 3, 1)
        covariance = torch.baddbmm(products[:, :3, :3], products[:, :3, 3:], self.source, alpha=-1)
        away = (products[:, 3:, :3] * self.source).sum(2, keepdim=True)
        spread = sums[:, 16:].sum(1).view(-1, 1, 1) - away
        # A spread of the size of the rounding of what it is the difference of is none.
        self.collapsed = spread <= 64 * eps * away + (16 * eps)**2 * total * place
        self.spread = spread.masked_fill_(self.collapsed, 1.)
        self.rotations = _Rotations(covariance, with_gradient)
        self.scale = self.rotations.maximum / self.spread
        identity = torch.eye(3, dtype=sums.dtype, device=sums.device)
        self.matrix = torch.where(self.collapsed, identity, self.scale * self.rotations.matrix)
        self.offset = torch.baddbmm(self.target, self.matrix, self.source.transpose(1, 2),
                                    alpha=-1)

    def of_sums(self, of_maps: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        """How the loss changes with the sums, through matrix and offset.

        Args:
            of_maps: How it changes with matrix and offset, ``(n, 3, 4)``.

        Returns:
            G ``(n, 3, 3)``, g_b ``(n, 3, 1)``, g_a ``(n, 3, 1)`` and e ``(n, 1, 1)``: of a point of
            weight 1, the gradient of x_b is ``G x_a + g_b``, that of x_a ``G^T x_b + g_a + e x_a``.
        """
        of_offset = of_maps[:, :, 3:]
        of_matrix = torch.baddbmm(of_maps[:, :, :3], of_offset, self.source, alpha=-1)
        of_matrix.masked_fill_(self.collapsed, 0.)
        turned, along = self.rotations.pull_back(of_matrix)
        along = along / self.spread
        of_covariance = torch.addcmul(self.scale * turned, along, self.rotations.matrix)
        of_spread = -2 * along * self.scale
        of_offset = of_offset / self.total
        source = self.source.transpose(1, 2)
        of_target = torch.baddbmm(of_offset, of_covariance, source, alpha=-1)
        of_source = torch.baddbmm(of_spread * source, of_covariance.transpose(1, 2), self.target)
        of_source.baddbmm_(self.matrix.transpose(1, 2), of_offset).neg_()
        return of_covariance, of_target, of_source, of_spread
