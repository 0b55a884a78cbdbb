#!/usr/bin/env python
"""Convert Human3.6M's or MPI-INF-3DHP's cameras, mmpose's pickles, for the 2D-to-3D configs.

    python tools/dataset_converters/h36m_cameras.py cameras.pkl data/viewpose/h36m_cameras.npz
    python tools/dataset_converters/h36m_cameras.py cameras_test.pkl \\
        data/viewpose/3dhp_test_cameras.npz --source mpi_inf_3dhp

The pickle is read without running what it may hold.
"""
import argparse


def main(argv=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('src', help="mmpose's cameras.pkl, cameras_train.pkl or cameras_test.pkl")
    parser.add_argument('out', help='file to write (.npz)')
    parser.add_argument('--source', choices=('h36m', 'mpi_inf_3dhp'), default='h36m',
                        help='data set (default %(default)s)')
    args = parser.parse_args(argv)
    from mmviewpose.engine.errors import one_line_errors
    with one_line_errors():
        from mmviewpose.datasets.formats import h36m, mpi_inf_3dhp
        from mmviewpose.datasets.formats.cameras import from_h36m, from_mpi_inf_3dhp
        if args.source == 'h36m':
            cameras = from_h36m(h36m.read_cameras(args.src))
        else:
            cameras = from_mpi_inf_3dhp(mpi_inf_3dhp.read_cameras(args.src))
        cameras.save(args.out)
    print(f'{args.out}: {len(cameras)} cameras')


if __name__ == '__main__':
    main()
