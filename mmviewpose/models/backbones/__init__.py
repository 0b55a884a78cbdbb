from .image_sequence_encoder import ImageSequenceEncoder, PoseImageBackbone
from .part_lifter import PartLifter, PoseCritic
from .pose_sequence_encoder import PoseSequenceEncoder
from .resnet_pose_encoder import ResNetPoseEncoder
from .sebirenet_encoder import PoseCode, SeBiReNetEncoder
from .temporal_conv import TemporalConvBackbone
from .view_autoencoder import PoseImageDecoder, PoseImageEncoder, ViewpointEncoder

__all__ = [
    'ImageSequenceEncoder', 'PartLifter', 'PoseCode', 'PoseCritic', 'PoseImageBackbone',
    'PoseImageDecoder', 'PoseImageEncoder', 'PoseSequenceEncoder', 'ResNetPoseEncoder',
    'SeBiReNetEncoder', 'TemporalConvBackbone', 'ViewpointEncoder',
]
