#!/usr/bin/env python
"""Take the encoder out of a training checkpoint: weights and config only, a few MB.

    python tools/analysis/export_encoder.py work_dirs/sebirenet_mocap/epoch_12.pth encoder.pth
"""
import argparse
import os


def main(argv=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help='checkpoint of a model with an encoder')
    parser.add_argument('out', help='file to write (.pth)')
    parser.add_argument('--config', help='config of the model (default: the one kept in the '
                        'checkpoint)')
    parser.add_argument('--half', action='store_true', help='store half precision')
    args = parser.parse_args(argv)
    from mmviewpose.engine.errors import one_line_errors
    with one_line_errors():
        from mmviewpose.apis import export_encoder
        export_encoder(args.checkpoint, args.out, args.config, args.half)
    print(f'{args.out}: {os.path.getsize(args.out) / 1e6:.1f} MB')


if __name__ == '__main__':
    main()
