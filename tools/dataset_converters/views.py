"""Convert a data set of several cameras to one archive of views (.npz).

    python tools/dataset_converters/views.py h36m h36m_train.npz data/viewpose/h36m_views.npz \\
        --cameras cameras.pkl --detections cpn_ft_h36m_dbb_train.npy
    python tools/dataset_converters/views.py mpi_inf_3dhp mpi_inf_3dhp_test_valid.npz \\
        data/viewpose/3dhp_test_views.npz --cameras cameras_test.pkl --layout h36m17
    python tools/dataset_converters/views.py sportspose SportsPose data/viewpose/sportspose.npz
    python tools/dataset_converters/views.py skipose Ski-PosePTZ data/viewpose/skipose.npz

Several files of Human3.6M or MPI-INF-3DHP make one archive: give them in quotes, separated by
commas, and their detections and cameras likewise (one file of cameras may serve all).
"""
import argparse
import itertools
from typing import Optional

from mmviewpose.skeletons import LAYOUTS

MMPOSE = dict(h36m='cameras.pkl', mpi_inf_3dhp='cameras_train.pkl or cameras_test.pkl')


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    sources = parser.add_subparsers(dest='source', required=True, metavar='SOURCE')
    for name, text in dict(h36m="Human3.6M in mmpose's npz",
                           mpi_inf_3dhp="MPI-INF-3DHP in mmpose's npz", sportspose='SportsPose',
                           skipose='Ski-PosePTZ').items():
        sub = sources.add_parser(name, help=text, description=text)
        sub.add_argument('src', help='file of the data set' if name in MMPOSE else
                         'folder of the data set')
        sub.add_argument('out', help='archive to write (.npz)')
        if name in MMPOSE:
            sub.add_argument('--cameras', required=True, help=f"mmpose's {MMPOSE[name]} (read "
                                                              'without running it)')
            sub.add_argument('--detections', help="mmpose's keypoint_2d_det_file (.npy); without "
                                                  'it, the projected labels')
        if name == 'mpi_inf_3dhp':
            sub.add_argument('--activities', help='.npz or .json of the test frames\' activities, '
                                                  'see docs/data_preparation.md')
            sub.add_argument('--outside', action='store_true',
                             help='labels outside the picture count as seen')
        if name == 'sportspose':
            sub.add_argument('--detections', help='folder with indoors/S04/tennis/'
                             'tennis0021_CAM3.npy ...; without it, the 3D seen by the cameras')
        if name != 'skipose':
            sub.add_argument('--layout', choices=sorted(LAYOUTS),
                             default='mpi_inf_3dhp17' if name == 'mpi_inf_3dhp' else 'h36m17',
                             help='key point layout to map to (default %(default)s)')
        if name == 'skipose':
            sub.add_argument('--detections', action='store_true', help='read *_sequences.pkl of '
                             "the authors' prepare_data.py instead of labels.h5")
    return parser.parse_args(argv)


def read(args: argparse.Namespace):
    """The sequences that the command line asks for."""
    from mmviewpose.datasets.formats import skipose, sportspose
    if args.source == 'sportspose':
        return sportspose.read_views(args.src, args.detections, layout=args.layout)
    if args.source == 'skipose':
        return skipose.read_views(args.src, args.detections)
    return itertools.chain.from_iterable(
        _read_mmpose(args, *files) for files in zip(*_files(args)))


def _files(args: argparse.Namespace):
    """Files of mmpose, and for each its cameras and detections."""
    from mmviewpose.errors import UserError
    files = args.src.split(',')
    cameras = args.cameras.split(',')
    cameras = cameras * len(files) if len(cameras) == 1 else cameras
    detections = args.detections.split(',') if args.detections else [None] * len(files)
    for name, found in dict(cameras=cameras, detections=detections).items():
        if len(found) != len(files):
            raise UserError(f'{len(files)} files but {len(found)} of {name}')
    return files, cameras, detections


def _read_mmpose(args: argparse.Namespace, file: str, cameras: str, detections: Optional[str]):
    from mmviewpose.datasets.formats import h36m_views, mpi_inf_3dhp_views
    from mmviewpose.datasets.formats.view_layout import view_to_layout
    if args.source == 'h36m':
        found = h36m_views.read_views(file, cameras, detections)
    else:
        found = mpi_inf_3dhp_views.read_views(file, cameras, detections, args.activities,
                                              args.outside)
    return (view_to_layout(sequence, args.layout) for sequence in found)


def main(argv=None) -> None:
    args = parse_args(argv)
    from mmviewpose.engine.errors import one_line_errors
    with one_line_errors():
        from mmviewpose.datasets.formats.views import write_views
        archive = write_views(args.out, list(read(args)))
    print(f'{args.out}: {len(set(archive.clips.tolist()))} clips, {len(archive)} views, '
          f'{len(archive.keypoints)} frames, {int(archive.labelled.sum())} views with 3D, '
          f'layout {archive.layout}')


if __name__ == '__main__':
    main()
