"""Networks of P. Hardy et al., "Optimising 2D pose representation", 2022: key points of a part, or
of several, to their depths; and what tells real 2D poses from made ones.

Networks of the parts are kept as one stack, ``(P, out, in)`` weights for P parts, and run as one
batched product; nothing of one part reaches another.
"""
import math
from typing import Optional, Sequence

import torch
from torch import Tensor, nn

NORMS = (None, 'batch', 'affine')


class StackedLinear(nn.Module):
    """P linear layers side by side: ``(P, B, in)`` -> ``(P, B, out)``.

    Initialised as torch's ``Linear``.

    Args:
        num_parts: P.
        in_channels: Inputs of each.
        out_channels: Outputs of each.
        fan_in: How many of its inputs each part uses, where some are padding.
    """

    def __init__(self, num_parts: int, in_channels: int, out_channels: int,
                 fan_in: Optional[Sequence[int]] = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_parts, out_channels, in_channels))
        self.bias = nn.Parameter(torch.empty(num_parts, 1, out_channels))
        with torch.no_grad():
            for part, used in enumerate(fan_in or [in_channels] * num_parts):
                for values in (self.weight[part], self.bias[part]):
                    values.uniform_(-1 / math.sqrt(used), 1 / math.sqrt(used))

    def forward(self, inputs: Tensor) -> Tensor:
        """Each part's own product."""
        return torch.baddbmm(self.bias, inputs, self.weight.transpose(1, 2))


class StackedBatchNorm(nn.Module):
    """Batch normalisation of each channel of each part, ``(P, B, C)`` -> ``(P, B, C)``."""

    def __init__(self, num_parts: int, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(num_parts * channels)

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalise over B.

        Raises:
            ValueError: A batch of one in training: it has no spread.
        """
        parts, batch, channels = inputs.shape
        if self.training and batch < 2:
            raise ValueError('batch normalisation cannot train on a batch of one pose')
        flat = inputs.transpose(0, 1).reshape(batch, parts * channels)
        return self.norm(flat).view(batch, parts, channels).transpose(0, 1)


class StackedAffine(nn.Module):
    """A factor and an offset for each channel of each part: what the authors' published code makes
    of batch normalisation, whose statistics stay at 0 and 1 there.
    """

    def __init__(self, num_parts: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(num_parts, 1, channels))
        self.bias = nn.Parameter(torch.zeros(num_parts, 1, channels))

    def forward(self, inputs: Tensor) -> Tensor:
        """``(P, B, C)`` -> ``(P, B, C)``."""
        return torch.addcmul(self.bias, inputs, self.weight)


def _norm(kind: Optional[str], num_parts: int, channels: int) -> nn.Module:
    if kind not in NORMS:
        raise ValueError(f'norm must be one of {NORMS}, got {kind!r}')
    if kind is None:
        return nn.Identity()
    return (StackedBatchNorm if kind == 'batch' else StackedAffine)(num_parts, channels)


class ResidualBlock(nn.Module):
    """Two layers and a skip (J. Martinez et al., "A simple yet effective baseline for 3D human pose
    estimation", 2017; without its dropout), ``(P, B, width)`` -> the same.

    Args:
        num_parts: P.
        width: Channels.
        norm: ``None``, ``'batch'`` or ``'affine'``.
    """

    def __init__(self, num_parts: int, width: int, norm: Optional[str] = None) -> None:
        super().__init__()
        self.first = StackedLinear(num_parts, width, width)
        self.first_norm = _norm(norm, num_parts, width)
        self.second = StackedLinear(num_parts, width, width)
        self.second_norm = _norm(norm, num_parts, width)

    def forward(self, inputs: Tensor) -> Tensor:
        """Add what the two layers find."""
        hidden = torch.relu(self.first_norm(self.first(inputs)))
        return inputs + torch.relu(self.second_norm(self.second(hidden)))


def residual_trunk(num_parts: int, in_channels: int, width: int, blocks: int,
                   norm: Optional[str] = None,
                   fan_in: Optional[Sequence[int]] = None) -> nn.Sequential:
    """A layer, normalisation, ReLU and residual blocks, ``(P, B, in)`` -> ``(P, B, width)``."""
    return nn.Sequential(StackedLinear(num_parts, in_channels, width, fan_in),
                         _norm(norm, num_parts, width), nn.ReLU(),
                         *[ResidualBlock(num_parts, width, norm) for _ in range(blocks)])


class PartLifter(nn.Module):
    """2D key points to one depth each, part by part (Eq. 1, Sec. 3.1 and 3.2).

    Without ``combine_blocks`` each part has a network of its own (the whole body too, as one part).
    With them, a part's network gives features, in number its share of ``width``, and a further
    network finds all depths from the features of all.

    The paper's representations, at most 6 blocks in all: full ``blocks=6``; two independent parts
    ``blocks=3``, five ``blocks=1``; two parts combined ``blocks=2, combine_blocks=2``, five
    ``blocks=1, combine_blocks=1``.

    Args:
        parts: Positions of each part's key points among the J; each of the J once.
        width: Channels of all layers.
        blocks: Residual blocks of each part.
        combine_blocks: Residual blocks behind the parts' features.
        norm: ``None``, ``'batch'`` or ``'affine'`` (:class:`StackedAffine`).

    Attributes:
        independent: No part's depths depend on another's key points.
        norm: As given.
        signs: 1, or -1 for key points whose depth is negated, ``(J,)``; kept with the weights
            (:mod:`~mmviewpose.functional.depth_sign`).

    Raises:
        ValueError: ``parts`` miss or repeat a key point, or ``norm`` is unknown.
    """

    def __init__(self, parts: Sequence[Sequence[int]], width: int = 1024, blocks: int = 6,
                 combine_blocks: int = 0, norm: Optional[str] = None) -> None:
        super().__init__()
        sizes, order = [len(part) for part in parts], [joint for part in parts for joint in part]
        joints = len(order)
        if not order or sorted(order) != list(range(joints)) or 0 in sizes:
            raise ValueError(f'parts must hold each of 0 to {joints - 1} once: {list(parts)}')
        self.norm, self.independent = norm, not combine_blocks
        self.register_buffer('signs', torch.ones(joints))
        self.register_buffer('inputs', _padded([[2 * joint + axis for joint in part
                                                 for axis in (0, 1)] for part in parts],
                                               2 * joints), persistent=False)
        self.trunk = residual_trunk(len(parts), 2 * max(sizes), width, blocks, norm,
                                    [2 * size for size in sizes])
        if combine_blocks:
            shares = [max(1, round(width * size / joints)) for size in sizes]
            self.features = StackedLinear(len(parts), width, max(shares))
            self.combine = nn.Sequential(
                *[] if sum(shares) == width else [StackedLinear(1, sum(shares), width)],
                *[ResidualBlock(1, width, norm) for _ in range(combine_blocks)])
            self.depths = StackedLinear(1, width, joints)
            self.register_buffer('kept', _places(shares), persistent=False)
            self.register_buffer('outputs', torch.arange(joints), persistent=False)
        else:
            self.features = None
            self.depths = StackedLinear(len(parts), width, max(sizes))
            self.register_buffer('outputs', _places(sizes)[torch.tensor(order).argsort()],
                                 persistent=False)

    def forward(self, points: Tensor) -> Tensor:
        """Key points ``(B, J, 2)`` within -1 and 1 to depths ``(B, J)`` within -1 and 1."""
        flat = nn.functional.pad(points.flatten(1), (0, 1))  # the last is what padding reads
        hidden = self.trunk(flat[:, self.inputs].transpose(0, 1))  # (P, B, width)
        if self.features is not None:
            found = torch.relu(self.features(hidden))
            hidden = self.combine(_side_by_side(found)[None, :, self.kept])
        return self.signs * torch.tanh(_side_by_side(self.depths(hidden))[:, self.outputs])


class PoseCritic(nn.Module):
    """Tells real 2D poses from made ones: a number a pose (Sec. 3.5), 1 where it takes it for real.

    Args:
        num_joints: J.
        width: Channels of all layers.
        blocks: Residual blocks.
        norm: As in :class:`PartLifter`.
    """

    def __init__(self, num_joints: int, width: int = 1024, blocks: int = 3,
                 norm: Optional[str] = None) -> None:
        super().__init__()
        self.norm = norm
        self.trunk = residual_trunk(1, 2 * num_joints, width, blocks, norm)
        self.score = StackedLinear(1, width, 1)

    def forward(self, points: Tensor) -> Tensor:
        """``(B, J, 2)`` -> ``(B,)``."""
        return self.score(self.trunk(points.flatten(1)[None]))[0, :, 0]


def _padded(rows: Sequence[Sequence[int]], filler: int) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[filler] * (longest - len(row))] for row in rows])


def _places(sizes: Sequence[int]) -> Tensor:
    """Where the used of ``max(sizes)`` channels a part lie when parts stand side by side."""
    return torch.cat([part * max(sizes) + torch.arange(size) for part, size in enumerate(sizes)])


def _side_by_side(stacked: Tensor) -> Tensor:
    """``(P, B, C)`` -> ``(B, P C)``."""
    return stacked.transpose(0, 1).flatten(1)
