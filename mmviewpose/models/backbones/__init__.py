from .part_lifter import PartLifter, PoseCritic
from .pose_sequence_encoder import PoseSequenceEncoder
from .sebirenet_encoder import PoseCode, SeBiReNetEncoder
from .temporal_conv import TemporalConvBackbone

__all__ = [
    'PartLifter', 'PoseCode', 'PoseCritic', 'PoseSequenceEncoder', 'SeBiReNetEncoder',
    'TemporalConvBackbone',
]
