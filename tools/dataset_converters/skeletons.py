"""Convert a data set of skeletons to one archive (.npz) in a model's layout, y up.

    python tools/dataset_converters/skeletons.py cmu data/cmu/subjects data/cmu.npz
    python tools/dataset_converters/skeletons.py nucla data/nucla/all_sqe data/nucla.npz
"""
import argparse
import sys

from mmviewpose.datasets.formats.convert import convert, summary
from mmviewpose.errors import DatasetError
from mmviewpose.skeletons import LAYOUTS

HELP = dict(cmu='CMU ASF/AMC', bvh='BVH (Bandai-Namco)', nucla='N-UCLA JSON',
            ntu='NTU RGB+D .skeleton', pyskl='mmaction2 / pyskl pickle, 3D (trust its source)',
            h36m="Human3.6M in mmpose's npz", mpi_inf_3dhp="MPI-INF-3DHP in mmpose's npz",
            ape="SeBiReNet's removeN folders")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    sources = parser.add_subparsers(dest='source', required=True, metavar='SOURCE')
    for name, text in HELP.items():
        sub = sources.add_parser(name, help=text, description=text)
        sub.add_argument('src', help='folder or file of the data set')
        sub.add_argument('out', help='archive to write (.npz)')
        sub.add_argument('--layout', default='ape17', choices=sorted(LAYOUTS),
                         help='key point layout to map to (default ape17)')
        sub.add_argument('--fps', type=float, default=30.,
                         help='frames per second; 0 leaves the source\'s (default 30)')
        if name in ('bvh', 'pyskl'):
            sub.add_argument('--source-layout', choices=sorted(LAYOUTS),
                             default='bandai22' if name == 'bvh' else 'ntu25',
                             help='key point layout of the files (default %(default)s)')
        if name in ('bvh', 'pyskl', 'ape'):
            sub.add_argument('--unit-mm', type=float, help='millimetres in the files\' unit',
                             default=dict(bvh=10., pyskl=1000., ape=1.)[name])
        if name in ('ntu', 'pyskl'):
            sub.add_argument('--bodies', choices=('main', 'all'), default='main',
                             help='main actor only, or a clip for every body')
        if name == 'ntu':
            sub.add_argument('--missing', help='list of samples with missing skeletons; by default '
                                               'the published lists, where they stand in SRC')
        if name in ('h36m', 'mpi_inf_3dhp'):
            file = 'cameras.pkl' if name == 'h36m' else 'cameras_train.pkl'
            sub.add_argument('--cameras', help=f"mmpose's {file} (read without running it): "
                                               'world space instead of camera space')
        if name == 'mpi_inf_3dhp':
            sub.add_argument('--activities', help='.npz or .json of the test frames\' activities, '
                                                  'see docs/data_preparation.md')
    return parser.parse_args()


def main() -> int:
    args = vars(parse_args())
    fps = args.pop('fps') or None
    try:
        archive = convert(fps=fps, progress=True, **args)
    except (DatasetError, ValueError) as e:
        print(f'error: {e}', file=sys.stderr)
        return 1
    print(f'{args["out"]}: {summary(archive)}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
