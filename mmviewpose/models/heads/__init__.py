from .pose_decoders import MLPDecoder, SeBiReNetDecoder
from .plane_head import PlaneHead

__all__ = ['MLPDecoder', 'PlaneHead', 'SeBiReNetDecoder']
