"""Convert a data set of several cameras to one archive of views (.npz).

    python tools/dataset_converters/views.py h36m h36m_train.npz data/viewpose/h36m_views.npz \\
        --cameras cameras.pkl --detections cpn_ft_h36m_dbb_train.npy
    python tools/dataset_converters/views.py sportspose SportsPose data/viewpose/sportspose.npz
    python tools/dataset_converters/views.py skipose Ski-PosePTZ data/viewpose/skipose.npz

Several files of Human3.6M make one archive: give them in quotes, separated by commas, and their
detections likewise.
"""
import argparse
import itertools

from mmviewpose.skeletons import LAYOUTS


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    sources = parser.add_subparsers(dest='source', required=True, metavar='SOURCE')
    for name, text in dict(h36m="Human3.6M in mmpose's npz", sportspose='SportsPose',
                           skipose='Ski-PosePTZ').items():
        sub = sources.add_parser(name, help=text, description=text)
        sub.add_argument('src', help='file of the data set' if name == 'h36m' else
                         'folder of the data set')
        sub.add_argument('out', help='archive to write (.npz)')
        if name == 'h36m':
            sub.add_argument('--cameras', required=True, help="mmpose's cameras.pkl (read without "
                                                              'running it)')
            sub.add_argument('--detections', help="mmpose's keypoint_2d_det_file (.npy); without "
                                                  'it, the projected labels')
        if name == 'sportspose':
            sub.add_argument('--detections', help='folder with indoors/S04/tennis/'
                             'tennis0021_CAM3.npy ...; without it, the 3D seen by the cameras')
            sub.add_argument('--layout', default='h36m17', choices=sorted(LAYOUTS),
                             help='key point layout to map to (default %(default)s)')
        if name == 'skipose':
            sub.add_argument('--detections', action='store_true', help='read *_sequences.pkl of '
                             "the authors' prepare_data.py instead of labels.h5")
    return parser.parse_args(argv)


def read(args: argparse.Namespace):
    """The sequences that the command line asks for."""
    from mmviewpose.datasets.formats import h36m_views, skipose, sportspose
    if args.source == 'sportspose':
        return sportspose.read_views(args.src, args.detections, layout=args.layout)
    if args.source == 'skipose':
        return skipose.read_views(args.src, args.detections)
    files = args.src.split(',')
    detections = args.detections.split(',') if args.detections else [None] * len(files)
    if len(detections) != len(files):
        from mmviewpose.errors import UserError
        raise UserError(f'{len(files)} files but {len(detections)} of detections')
    return itertools.chain.from_iterable(
        h36m_views.read_views(file, args.cameras, found)
        for file, found in zip(files, detections))


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
