from .pose_sequence_encoder import PoseSequenceEncoder
from .sebirenet_encoder import PoseCode, SeBiReNetEncoder

__all__ = ['PoseCode', 'PoseSequenceEncoder', 'SeBiReNetEncoder']
