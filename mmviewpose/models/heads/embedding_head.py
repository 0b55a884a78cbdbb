"""From a feature map to an embedding."""
from torch import Tensor, nn

from mmviewpose.registry import MODELS


@MODELS.register_module()
class EmbeddingHead(nn.Module):
    """A feature map to a point on the unit sphere (R. Mitra et al., "Multiview-consistent
    semi-supervised learning for 3D human pose estimation", 2020, Sec. 4): max-pooling by 2, one
    linear layer, division by the length.

    With the paper's ResNet-18 and 224 px the map is 512x7x7, and 512x4x4 when pooled.

    Args:
        in_channels: C of the map.
        image_size: Side S of the images.
        channels: D of the embedding.
        stride: Pixels of the image per cell of the map; the map has ``ceil(S / stride)`` a side.
        batch_norm: Give each number mean 0 and variance 1 over the batch (in evaluation: over the
            training) before the division, without affine parameters. The paper names no such layer
            but follows "the approach of" L2-Net and Hardnet, which have it. With it embeddings
            start far from each other and do not fall together in the first steps.
    """

    def __init__(self, in_channels: int = 512, image_size: int = 224, channels: int = 128,
                 stride: int = 32, batch_norm: bool = False) -> None:
        super().__init__()
        self.image_size, self.side = image_size, -(-image_size // stride)
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.dense = nn.Linear(in_channels * (-(-self.side // 2)) ** 2, channels)
        self.norm = nn.BatchNorm1d(channels, affine=False) if batch_norm else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        """Feature maps ``(B, C, h, w)`` to embeddings ``(B, D)``.

        Raises:
            ValueError: The map is not of images of that size.
        """
        if features.shape[-2:] != (self.side, self.side):
            raise ValueError(f'images of {self.image_size} px have a map of {self.side}x{self.side}'
                             f', got {features.shape[-2]}x{features.shape[-1]}: image_size of the '
                             'embedding head and of the data set must be the same')
        codes = self.norm(self.dense(self.pool(features).flatten(1)))
        return nn.functional.normalize(codes, dim=-1)
