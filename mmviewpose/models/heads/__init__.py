from .pose_decoders import MLPDecoder, SeBiReNetDecoder

__all__ = ['MLPDecoder', 'SeBiReNetDecoder']
