#!/usr/bin/env python
"""Train a model: ``tools/train.py CONFIG``."""
import argparse
import os


def parse_args(argv=None) -> argparse.Namespace:
    """Parse the command line (mmpose's options)."""
    from mmengine.config import DictAction
    parser = argparse.ArgumentParser(description='Train a model')
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='where logs and checkpoints go '
                        '(default: work_dirs/NAME_OF_THE_CONFIG)')
    parser.add_argument('--resume', nargs='?', const='auto', metavar='CHECKPOINT',
                        help='go on from a checkpoint; without a value, from the latest in the '
                        'work dir')
    parser.add_argument('--amp', action='store_true', help='automatic mixed precision')
    parser.add_argument('--no-validate', action='store_true', help='do not evaluate in training')
    parser.add_argument('--auto-scale-lr', action='store_true',
                        help='scale the learning rate from the batch size that the config was '
                        'made for to the actual one')
    parser.add_argument('--seed', type=int, help='random seed')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='override entries of the config, e.g. train_cfg.max_epochs=2')
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
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper'):
        if cfg.get(key) is None:
            raise UserError(f"config: there is no '{key}', so it cannot be trained")
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.amp:
        for wrapper in wrappers(cfg.optim_wrapper):
            kind = wrapper.get('type', 'OptimWrapper')
            if getattr(kind, '__name__', kind) not in ('OptimWrapper', 'AmpOptimWrapper'):
                raise UserError(f'--amp does not go with the optimizer wrapper {kind}')
            wrapper['type'] = 'AmpOptimWrapper'
            wrapper.setdefault('loss_scale', 'dynamic')
    if args.resume is not None:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume
    if args.auto_scale_lr:
        if not (cfg.get('auto_scale_lr') or {}).get('base_batch_size'):
            raise UserError('--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) '
                            'in the config')
        cfg.auto_scale_lr.enable = True
    return cfg


def wrappers(optim_wrapper):
    """Configs of all optimizer wrappers: one, or one a part of the model."""
    if 'optimizer' in optim_wrapper:
        return [optim_wrapper]
    return [entry for entry in optim_wrapper.values()
            if isinstance(entry, dict) and 'optimizer' in entry]


def main(argv=None) -> None:
    """Train."""
    args = parse_args(argv)
    from mmviewpose.engine.errors import one_line_errors
    with one_line_errors():
        from mmviewpose.engine.runner import (build_runner, check_amp, check_data,
                                              check_pretrained, load_config)
        cfg = merge_args(load_config(args.config, args.cfg_options), args)
        loaders = ['train_dataloader']
        if cfg.get('val_cfg') is not None:
            loaders.append('val_dataloader')
        check_data(cfg, *loaders)
        check_pretrained(cfg)
        if args.amp:
            check_amp()
        build_runner(cfg).train()


if __name__ == '__main__':
    main()
