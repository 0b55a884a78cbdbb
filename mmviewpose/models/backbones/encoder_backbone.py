"""Backbones over an encoder that may stay as it is."""
from typing import Optional

from mmengine.model import BaseModule
from torch import nn

from mmviewpose.registry import MODELS


class EncoderBackbone(BaseModule):
    """A backbone with an encoder inside.

    Args:
        encoder: Config of the encoder, or None for none.
        frozen: Keep it as it is: no gradient, and always in evaluation mode.
    """

    def __init__(self, encoder: Optional[dict], frozen: bool, init_cfg: Optional[dict] = None
                 ) -> None:
        super().__init__(init_cfg)
        self.encoder: Optional[nn.Module] = None if encoder is None else MODELS.build(encoder)
        self.frozen = frozen and self.encoder is not None
        if self.frozen:
            self.encoder.requires_grad_(False)

    def train(self, mode: bool = True) -> 'EncoderBackbone':
        """Set the mode; a frozen encoder stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self
