"""Pictures: skeletons, reconstructions, training curves, results, embeddings, animations.

Matplotlib's object interface on Agg canvases: no display and no pyplot state. Files are written
whole or not at all, and their folders are made.
"""
from .animation import animate_clip
from .curves import read_scalars, row_chart, training_curves, views_chart
from .embedding import embedding_figure, principal_plane
from .lifting import Seen, animate_lifting, lifting_figure
from .skeletons import denoising_figure, draw_skeleton, frame_axes, transfer_figure

__all__ = ['Seen', 'animate_clip', 'animate_lifting', 'denoising_figure', 'draw_skeleton',
           'embedding_figure', 'frame_axes', 'lifting_figure', 'principal_plane', 'read_scalars',
           'row_chart', 'training_curves', 'transfer_figure', 'views_chart']
