"""Pictures: skeletons, reconstructions, training curves, results, embeddings, animations.

Matplotlib's object interface on Agg canvases: no display and no pyplot state. Files are written
whole or not at all, and their folders are made.
"""
from .animation import animate_clip
from .curves import read_scalars, row_chart, training_curves
from .embedding import embedding_figure, principal_plane
from .skeletons import denoising_figure, draw_skeleton, frame_axes, transfer_figure

__all__ = ['animate_clip', 'denoising_figure', 'draw_skeleton', 'embedding_figure', 'frame_axes',
           'principal_plane', 'read_scalars', 'row_chart', 'training_curves', 'transfer_figure']
