"""The networks of :mod:`mmviewpose.layers.view_autoencoder` for configs."""
from mmviewpose.layers.view_autoencoder import (PoseImageDecoder, PoseImageEncoder,
                                                ViewpointEncoder)
from mmviewpose.registry import MODELS

MODELS.register_module(module=PoseImageDecoder)
MODELS.register_module(module=PoseImageEncoder)
MODELS.register_module(module=ViewpointEncoder)
