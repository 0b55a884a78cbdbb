from .canonical_pose_head import CanonicalPoseHead
from .embedding_head import EmbeddingHead
from .plane_head import PlaneHead
from .pose_decoders import MLPDecoder, SeBiReNetDecoder

__all__ = ['CanonicalPoseHead', 'EmbeddingHead', 'MLPDecoder', 'PlaneHead', 'SeBiReNetDecoder']
