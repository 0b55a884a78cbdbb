from .sebirenet_lifter import SeBiReNetLifter
from .sequence_lifter import SequenceLifter
from .siamese_autoencoder import SiameseAutoEncoder

__all__ = ['SeBiReNetLifter', 'SequenceLifter', 'SiameseAutoEncoder']
