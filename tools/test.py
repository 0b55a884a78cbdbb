#!/usr/bin/env python
"""Test a model: ``tools/test.py CONFIG CHECKPOINT [--out FILE.json] [--frames FILE.npz]``."""
import argparse
import os


def parse_args(argv=None) -> argparse.Namespace:
    """Parse the command line (mmpose's options)."""
    from mmengine.config import DictAction
    parser = argparse.ArgumentParser(description='Test a model')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--work-dir', help='where logs go '
                        '(default: work_dirs/NAME_OF_THE_CONFIG)')
    parser.add_argument('--out', metavar='FILE.json', help='write the metrics there')
    parser.add_argument('--frames', metavar='FILE.npz', help='write the error of each frame there, '
                        'see PoseErrorMetric')
    parser.add_argument('--show-dir', help='draw predictions into this folder; the config needs '
                        'a `visualization` hook')
    parser.add_argument('--interval', type=int, default=1, help='draw every so-manyth batch')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='override entries of the config, e.g. test_dataloader.batch_size=64')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def merge_args(cfg, args):
    """Merge the options into the config."""
    from mmviewpose.engine.errors import UserError
    from mmviewpose.engine.runner import apply_options
    apply_options(cfg, args)
    for key in ('test_dataloader', 'test_evaluator'):
        if cfg.get(key) is None:
            raise UserError(f"config: there is no '{key}', so it cannot be tested")
    if cfg.get('test_cfg') is None:
        cfg.test_cfg = {}
    cfg.load_from, cfg.resume = args.checkpoint, False
    # nothing of training is built, or looked for
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler',
                'val_dataloader', 'val_cfg', 'val_evaluator'):
        cfg[key] = None
    if args.show_dir is not None:
        hook = cfg.get('default_hooks', {}).get('visualization')
        if not hook:
            raise UserError("--show-dir needs a 'visualization' hook among the config's "
                            'default_hooks')
        hook.update(enable=True, out_dir=args.show_dir, interval=args.interval)
    return cfg


def check_has_frames(runner) -> None:
    """Refuse --frames, before the test, where no metric knows the error of a frame."""
    from mmviewpose.engine.errors import UserError
    if not any(hasattr(metric, 'frame_errors') for metric in runner.test_evaluator.metrics):
        raise UserError("--frames needs a PoseErrorMetric among the config's test_evaluator")


def write_frames(path: str, runner) -> None:
    """The errors of all frames as an .npz; names as those of the metrics, prefix included."""
    from mmviewpose.datasets.formats.npz import write_npz
    arrays = {}
    for metric in runner.test_evaluator.metrics:
        for name, values in getattr(metric, 'frame_errors', {}).items():
            error = values.ndim == 2
            arrays[f'{metric.prefix}/{name}' if error and metric.prefix else name] = values
    write_npz(path, 'mmviewpose-frame-errors-1', arrays)


def main(argv=None) -> dict:
    """Test.

    Returns:
        The metrics.
    """
    args = parse_args(argv)
    from mmviewpose.engine.errors import one_line_errors
    with one_line_errors():
        from mmengine.dist import is_main_process

        from mmviewpose.engine.files import write_json
        from mmviewpose.engine.runner import build_runner, check_data, load_config
        cfg = merge_args(load_config(args.config, args.cfg_options), args)
        check_data(cfg, 'test_dataloader')
        runner = build_runner(cfg)
        if args.frames is not None:
            check_has_frames(runner)
        metrics = runner.test()
        if args.out is not None and is_main_process():
            write_json(args.out, metrics)
        if args.frames is not None and is_main_process():
            write_frames(args.frames, runner)
    return metrics


if __name__ == '__main__':
    main()
