from .siamese_autoencoder import SiameseAutoEncoder

__all__ = ['SiameseAutoEncoder']
