"""Networks of F. Sardari et al., "Unsupervised view-invariant human posture representation",
2021, Table 1: an image to a canonical pose, an image to a viewpoint, and a pose to an image.

Sizes are arguments: Table 1's are the defaults. Images are square, their side a multiple of 8.
"""
from typing import List, NamedTuple, Sequence

import torch
from torch import Tensor, nn


OUTPUTS = ('tanh', 'sigmoid')


class Viewpoint(NamedTuple):
    """How a view sees the canonical pose.

    Attributes:
        angles: ``(B, 3)`` radians about x, y and z, of any size.
        translation: ``(B, 3)`` in the pose features' unit.
    """
    angles: Tensor
    translation: Tensor


def as_images(images: Tensor) -> Tensor:
    """Bytes to float32 values in [0, 1]; laid out with channels last, as convolutions are fastest.

    Args:
        images: ``(B, C, H, W)``, uint8 or values in [0, 1].
    """
    if images.dtype == torch.uint8:
        images = images.to(torch.float32, memory_format=torch.channels_last) / 255
    return images.contiguous(memory_format=torch.channels_last)


def _conv(in_channels: int, out_channels: int, norm: bool = True, kernel: int = 3,
          stride: int = 1, padding: int = 1) -> List[nn.Module]:
    return [nn.Conv2d(in_channels, out_channels, kernel, stride, padding, bias=not norm),
            *([nn.BatchNorm2d(out_channels)] if norm else []), nn.ReLU(inplace=True)]


def _up(in_channels: int, out_channels: int) -> List[nn.Module]:
    """Twice the side."""
    return [nn.ConvTranspose2d(in_channels, out_channels, 3, 2, 1, 1, bias=False),
            nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]


def _check_side(image_size: int, smallest: int) -> None:
    if image_size % 8 or image_size < smallest:
        raise ValueError(f'image_size must be a multiple of 8 from {smallest} on, '
                         f'got {image_size}')


class PoseImageEncoder(nn.Module):
    """An image to its canonical pose, ``(B, C, S, S)`` -> ``(B, N, 3)``: E of Table 1.

    Four pairs of 3x3 convolutions of ``width``, 2, 4 and 8 times ``width`` channels with pooling
    between, no batch normalisation behind the last one, and three dense layers.

    Args:
        image_size: S.
        num_points: N, the number of 3D pose features; the paper chose 70 out of 40 to 190.
        width: Channels of the first pair.
        hidden: Units of the dense layers before the last.
        in_channels: C.
        spread: Deviation of the last layer's biases at the start, in place of torch's small ones:
            all images then begin with one pose of that size. Turning it tells views apart from the
            first step on; a pose near 0 looks the same from all sides.

    Attributes:
        num_points: N.

    Raises:
        ValueError: A side that is not a multiple of 8.
    """

    def __init__(self, image_size: int = 128, num_points: int = 70, width: int = 64,
                 hidden: Sequence[int] = (1024, 512), in_channels: int = 3,
                 spread: float = 0.) -> None:
        super().__init__()
        _check_side(image_size, 8)
        self.num_points = num_points
        layers: List[nn.Module] = []
        for stage in range(4):
            channels = width << stage
            layers += [nn.MaxPool2d(2)] * (stage > 0) + _conv(in_channels, channels)
            layers += _conv(channels, channels, norm=stage < 3)
            in_channels = channels
        units = in_channels * (image_size // 8) ** 2
        layers.append(nn.Flatten())
        for size in hidden:
            layers += [nn.Linear(units, size), nn.ReLU()]
            units = size
        layers.append(nn.Linear(units, 3 * num_points))
        if spread:
            nn.init.normal_(layers[-1].bias, std=spread)
        self.layers = nn.Sequential(*layers)

    @property
    def output(self) -> nn.Linear:
        """The last layer, to 3N features."""
        return self.layers[-1]

    def forward(self, images: Tensor) -> Tensor:
        """Images with values in [0, 1]."""
        return self.layers(images).unflatten(-1, (self.num_points, 3))


class ViewpointEncoder(nn.Module):
    """An image to its viewpoint: the second encoder of Table 1, ``(B, C, S, S)``.

    Two pairs of 5x5 convolutions without padding, each with stride 2 then 1, pooling to 3x3 (at
    sides of 48, 64 and 128; Table 1 prints it between the pairs), and two dense layers.

    Args:
        image_size: S, 48 or more.
        channels: Of the two pairs; the published code has (128, 128).
        hidden: Units of the dense layer; the published code has 256.
        dropout: Behind the dense layer.
        in_channels: C.

    Raises:
        ValueError: A side that is not a multiple of 8, or below 48.
    """

    def __init__(self, image_size: int = 128, channels: Sequence[int] = (128, 256),
                 hidden: int = 512, dropout: float = .3, in_channels: int = 3) -> None:
        super().__init__()
        _check_side(image_size, 48)
        layers: List[nn.Module] = []
        side = image_size
        for width in channels:
            layers += _conv(in_channels, width, kernel=5, stride=2, padding=0)
            layers += _conv(width, width, kernel=5, padding=0)
            side = (side - 5) // 2 + 1 - 4
            in_channels = width
        pooled = side // 3
        side = (side - pooled) // pooled + 1
        self.layers = nn.Sequential(
            *layers, nn.MaxPool2d(pooled), nn.Flatten(),
            nn.Linear(in_channels * side ** 2, hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, 6))

    def forward(self, images: Tensor) -> Viewpoint:
        """Images with values in [0, 1]."""
        return Viewpoint(*self.layers(images).split(3, -1))


class PoseImageDecoder(nn.Module):
    """A view-specific pose to the image, ``(B, N, 3)`` -> ``(B, C, S, S)`` in [0, 1): D of Table 1.

    A dense layer to ``8 * width`` channels of an eighth of the side, two convolutions of
    ``4 * width``, and three times a transposed convolution that doubles the side and a
    convolution, of ``2 * width``, ``width`` and C channels, the last with ReLU and tanh.

    Its C channels are a bottleneck that keeps training at the mean image for some hundred steps.
    With ``output='sigmoid'`` the last pair is one transposed convolution of ``width`` channels and
    a convolution with a sigmoid, which learns from the first step on (docs/methods/uvi.md).

    Args:
        image_size: S.
        num_points: N.
        width: Channels of the last but one pair.
        dropout: Behind the dense layer.
        out_channels: C.
        output: ``'tanh'`` (the paper's) or ``'sigmoid'``.

    Raises:
        ValueError: A side that is not a multiple of 8, or unknown ``output``.
    """

    def __init__(self, image_size: int = 128, num_points: int = 70, width: int = 64,
                 dropout: float = .3, out_channels: int = 3, output: str = 'tanh') -> None:
        super().__init__()
        _check_side(image_size, 8)
        if output not in OUTPUTS:
            raise ValueError(f'output must be one of {OUTPUTS}, got {output!r}')
        shape = (8 * width, image_size // 8, image_size // 8)
        self.dense = nn.Sequential(
            nn.Flatten(), nn.Linear(3 * num_points, shape[0] * shape[1] * shape[2]), nn.ReLU(),
            nn.Dropout(dropout), nn.Unflatten(1, shape))
        layers = _conv(shape[0], 4 * width) + _conv(4 * width, 4 * width)
        for before, channels in ((4 * width, 2 * width), (2 * width, width)):
            layers += _up(before, channels) + _conv(channels, channels)
        if output == 'tanh':
            layers += [*_up(width, out_channels), *_conv(out_channels, out_channels), nn.Tanh()]
        else:
            last = nn.Conv2d(width, out_channels, 3, padding=1)
            nn.init.constant_(last.bias, -2.)  # most of an image is background, 0
            layers += [*_up(width, width), last, nn.Sigmoid()]
        self.layers = nn.Sequential(*layers)

    def forward(self, poses: Tensor) -> Tensor:
        """Decode."""
        return self.layers(self.dense(poses))
