from .adversarial_lifter import AdversarialLifter
from .depth_lifter import DepthLifter
from .multiview_embedding_regressor import MultiviewEmbeddingRegressor
from .sebirenet_lifter import SeBiReNetLifter
from .sequence_lifter import SequenceLifter
from .siamese_autoencoder import SiameseAutoEncoder
from .view_autoencoder import ViewAutoEncoder

__all__ = ['AdversarialLifter', 'DepthLifter', 'MultiviewEmbeddingRegressor', 'SeBiReNetLifter',
           'SequenceLifter', 'SiameseAutoEncoder', 'ViewAutoEncoder']
