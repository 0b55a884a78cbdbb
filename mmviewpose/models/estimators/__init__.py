from .sebirenet_lifter import SeBiReNetLifter
from .siamese_autoencoder import SiameseAutoEncoder

__all__ = ['SeBiReNetLifter', 'SiameseAutoEncoder']
