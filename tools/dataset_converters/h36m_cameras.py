#!/usr/bin/env python
"""Convert Human3.6M's cameras, mmpose's cameras.pkl, for the 2D-to-3D configs.

    python tools/dataset_converters/h36m_cameras.py cameras.pkl data/viewpose/h36m_cameras.npz

The pickle is read without running what it may hold.
"""
import argparse


def main(argv=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('src', help="mmpose's cameras.pkl")
    parser.add_argument('out', help='file to write (.npz)')
    args = parser.parse_args(argv)
    from mmviewpose.engine.errors import one_line_errors
    with one_line_errors():
        from mmviewpose.datasets.formats.cameras import from_h36m
        from mmviewpose.datasets.formats.h36m import read_cameras
        cameras = from_h36m(read_cameras(args.src))
        cameras.save(args.out)
    print(f'{args.out}: {len(cameras)} cameras')


if __name__ == '__main__':
    main()
