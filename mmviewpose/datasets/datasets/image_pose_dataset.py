"""Recorded images of people whose 3D pose is known, by several cameras in step."""
from pathlib import Path
from typing import Any, Mapping, Optional, Sequence

import numpy as np

from mmviewpose.datasets.box_images import BoxImages
from mmviewpose.datasets.datasets.archive_source import HOW_TO_GET, shared_labels
from mmviewpose.datasets.datasets.array_dataset import check_transforms
from mmviewpose.datasets.datasets.moment_pose_dataset import MomentPoseDataset, Shots
from mmviewpose.datasets.formats.pose_images import read_h36m, read_mpi_inf_3dhp
from mmviewpose.errors import DatasetError
from mmviewpose.registry import DATASETS
from mmviewpose.skeletons import remap

READERS = dict(h36m=read_h36m, mpi_inf_3dhp=read_mpi_inf_3dhp)


@DATASETS.register_module()
class ImagePoseDataset(MomentPoseDataset):
    """Images and 3D poses of Human3.6M or MPI-INF-3DHP in mmpose's layout; see
    :mod:`~mmviewpose.datasets.datasets.moment_pose_dataset` for what a batch holds.

    Images are read, cut out by the file's boxes (``center`` and ``scale`` in units of 200 px) and
    resized when a batch is made, so that worker processes share that work. A moment is a frame
    number of a performance; its poses come into the world's axes through the cameras.

    Args:
        ann_file: ``h36m_train.npz``, ``mpi_inf_3dhp_train.npz`` and the like.
        camera_param_file: mmpose's ``cameras.pkl`` or ``cameras_train.pkl``.
        data_root: Folder that all paths are relative to.
        img_prefix: Folder that the names of images in ``ann_file`` are relative to.
        source: ``'h36m'``, see :func:`~mmviewpose.datasets.formats.pose_images.read_h36m`, whose
            cameras are 1 to 4; or ``'mpi_inf_3dhp'``, see ``read_mpi_inf_3dhp``, whose cameras
            have the data set's numbers, those at chest height 0, 2, 4, 7 and 8.
        skeleton: Layout of the poses, with the root first.
        subjects, views: People and cameras to take; all by default.
        every: Take every how many-th frame of the videos, by their numbers.
        image_size: S.
        **moments: ``training``, ``labels``, ``pipeline``, ``prepare``, ``prepare_seed`` of
            :class:`~mmviewpose.datasets.datasets.moment_pose_dataset.MomentPoseDataset`.

    Raises:
        DatasetError: A file or an image is missing, a file is broken, a name is none, a frame is
            there twice, a pose or a box is not finite, nothing is left, or as
            ``MomentPoseDataset``; and, when a batch is made, an image is broken or of another size
            than its camera's.
        ValueError: ``every`` or ``image_size`` is below 1.
    """

    def __init__(self, ann_file: str, camera_param_file: str, data_root: str = '',
                 img_prefix: str = 'images', source: str = 'h36m', skeleton: str = 'h36m17',
                 subjects: Optional[Sequence[int]] = None, views: Optional[Sequence[int]] = None,
                 every: int = 1, image_size: int = 224, **moments) -> None:
        if source not in READERS:
            raise DatasetError(f'source {source!r}, there are {", ".join(READERS)}')
        root = Path(data_root)
        found = READERS[source](root / ann_file, root / camera_param_file, subjects, views, every)
        images = BoxImages(root / img_prefix, found, image_size)
        labels, words = shared_labels([found.labels])
        names, clip = np.unique(found.clips, return_inverse=True)
        shots = Shots(
            remap(found.poses, found.layout, skeleton), clip.ravel()[found.recording],
            found.frames, found.views[found.recording], found.subjects[found.recording],
            {key: values[found.recording] for key, values in labels.items()})
        super().__init__(images, shots, skeleton, names.tolist(), words, **moments)

    @classmethod
    def check_files(cls, cfg: Mapping[str, Any]) -> None:
        """Check that the files and the folder of images of a dataset config are there.

        Raises:
            DatasetError: Names what is not.
        """
        root = Path(cfg.get('data_root', ''))
        for key in ('ann_file', 'camera_param_file'):
            if not (root / cfg[key]).is_file():
                raise DatasetError(f'file not found; {HOW_TO_GET}', file=root / cfg[key])
        folder = root / cfg.get('img_prefix', 'images')
        if not folder.is_dir():
            raise DatasetError(f'folder not found; {HOW_TO_GET}', file=folder)
        check_transforms(cfg)
