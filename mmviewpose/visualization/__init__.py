"""Pictures: skeletons, reconstructions, training curves, results, embeddings, animations.

Matplotlib's object interface on Agg canvases: no display and no pyplot state. Files are written
whole or not at all, and their folders are made.
"""
from .animation import animate_clip
from .curves import row_chart, training_curves, views_chart
from .embedding import embedding_figure, principal_plane, tsne_plane
from .lifted_poses import lifted_poses_figure
from .lifting import Seen, animate_lifting, lifting_figure
from .logs import read_scalars, read_validation
from .pose_images import pose_images_figure
from .retrieval import distance_by_pose_figure, retrieval_curves, retrieval_sheet
from .sensitivity import sensitivity_curves, sensitivity_heatmaps
from .skeletons import denoising_figure, draw_skeleton, frame_axes, transfer_figure
from .stability import SeedRuns, read_seeds, stability_choices, stability_figure
from .view_images import animate_turning, turning_pose_figure, view_images_figure

__all__ = ['SeedRuns', 'Seen', 'animate_clip', 'animate_lifting', 'animate_turning',
           'denoising_figure', 'distance_by_pose_figure', 'draw_skeleton', 'embedding_figure',
           'frame_axes', 'lifted_poses_figure', 'lifting_figure', 'pose_images_figure',
           'principal_plane', 'read_scalars', 'read_seeds', 'read_validation', 'retrieval_curves',
           'retrieval_sheet', 'row_chart', 'sensitivity_curves', 'sensitivity_heatmaps',
           'stability_choices', 'stability_figure', 'training_curves', 'transfer_figure',
           'tsne_plane', 'turning_pose_figure', 'view_images_figure', 'views_chart']
