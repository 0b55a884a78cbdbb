"""From a config and command line options to a Runner that is ready to go."""
import datetime
import difflib
import inspect
import os
import os.path as osp
import re
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, Optional

import torch
import torch.distributed
from mmengine.config import Config, ConfigDict
from mmengine.device import get_device
from mmengine.dist import get_world_size
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner, find_latest_checkpoint

from mmviewpose.engine.errors import UserError
from mmviewpose.errors import DatasetError
from mmviewpose.registry import DATASETS

PREPARATION = 'docs/data_preparation.md'

_CONFIG_KEYS = sorted({
    *inspect.signature(Runner.__init__).parameters, 'preprocess_cfg', 'find_unused_parameters',
    'sync_bn', 'model_wrapper_cfg', 'compile', 'synthetic_config', 'encoder_checkpoint'}
    - {'self', 'cfg'})

# what a config of a host's dataset names as files, below its data_root
_HOST_FILES = ('ann_file', 'camera_param_file', 'keypoint_2d_det_file')


# ---------------------------------------------------------------------------------------
# Config


def load_config(path: str, options: Optional[dict] = None) -> Config:
    """Read a config and override entries of it.

    Args:
        path: Config file.
        options: Values by dotted key, as ``--cfg-options`` gives them; ``encoder_checkpoint``
            is the checkpoint of every pretrained part.

    Raises:
        UserError: No such file, not Python, an unreadable base, or a misspelt top-level key.
    """
    if not osp.isfile(path):
        raise UserError(f'config file not found: {path}{_similar_file(path)}')
    try:
        cfg = Config.fromfile(path)
        cfg.merge_from_dict(options or {})
        if 'encoder_checkpoint' in (options or {}):
            set_encoder_checkpoint(cfg, options['encoder_checkpoint'])
    except (SyntaxError, NameError, ImportError, OSError, KeyError, TypeError,
            AttributeError, IndexError) as error:
        raise UserError(f'config {path}: {type(error).__name__}: {error}') from error
    _check_keys(cfg)
    return cfg


def set_encoder_checkpoint(cfg: Config, checkpoint: str) -> None:
    """Let every part that starts from pretrained weights start from ``checkpoint``.

    Raises:
        UserError: There is none.
    """
    found = list(_pretrained(cfg._cfg_dict))
    if not found:
        raise UserError('config: encoder_checkpoint is given, but no part of the model starts from '
                        'pretrained weights')
    for init_cfg in found:
        init_cfg['checkpoint'] = str(checkpoint)


def _pretrained(node: Any) -> Iterator[dict]:
    """All ``init_cfg`` of type ``Pretrained`` in a config, at any depth."""
    if isinstance(node, dict):
        init_cfg = node.get('init_cfg')
        if isinstance(init_cfg, dict) and init_cfg.get('type') == 'Pretrained':
            yield init_cfg
        node = node.values()
    if not isinstance(node, (str, bytes)) and hasattr(node, '__iter__'):
        for part in node:
            yield from _pretrained(part)


def check_pretrained(cfg: Config) -> None:
    """Check that the checkpoints which parts of the model start from are there.

    Raises:
        UserError: Names the first that is not.
    """
    for init_cfg in _pretrained(cfg.model):
        path = init_cfg['checkpoint']
        if '://' not in path and not osp.isfile(path):
            raise UserError(f'checkpoint not found: {path}; train it first, or give another: '
                            '--cfg-options encoder_checkpoint=FILE')


def _similar_file(path: str) -> str:
    folder = Path(path).parent
    names = [entry.name for entry in folder.glob('*.py')] if folder.is_dir() else []
    close = difflib.get_close_matches(Path(path).name, names, n=1, cutoff=0.5)
    return f'; did you mean {folder / close[0]}?' if close else ''


def _check_keys(cfg: Config) -> None:
    """Refuse top-level keys that nobody reads and that look like one that the Runner does."""
    for key in cfg:
        close = difflib.get_close_matches(key, _CONFIG_KEYS, n=1, cutoff=0.8)
        if close and key not in _CONFIG_KEYS and close[0] not in (f'{key}s', f'_{key}'):
            raise UserError(f"config: unknown key '{key}'; did you mean '{close[0]}'?")
    if 'model' not in cfg:
        raise UserError("config: there is no 'model'; is this the right file?")


def apply_options(cfg: Config, args) -> Config:
    """Merge the options that ``tools/train.py`` and ``tools/test.py`` share.

    Args:
        cfg: Config, changed in place.
        args: Namespace with ``config``, ``work_dir``, ``launcher`` and, where the tool has them,
            ``seed``.
    """
    cfg.launcher = args.launcher
    # command line before config before the config's name
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = osp.join('work_dirs', Path(args.config).stem)
    if getattr(args, 'seed', None) is not None:
        cfg.randomness = dict(cfg.get('randomness') or {}, seed=args.seed)
    if 'preprocess_cfg' in cfg:
        cfg.model.setdefault('data_preprocessor', cfg.preprocess_cfg)
    return cfg


# ---------------------------------------------------------------------------------------
# Data


def check_data(cfg: Config, *loaders: str) -> None:
    """Check that the files which the data loaders name are there, before anything is built.

    A dataset class may say itself what it needs, in a class method ``check_files(cfg)``; of
    others, the hosts', ``ann_file`` and the like below ``data_root`` are looked for.

    Args:
        cfg: The whole config.
        loaders: Keys of the data loaders, e.g. ``'train_dataloader'``.

    Raises:
        DatasetError: Says which file was looked for, where to read how to get it, and which
            config runs the same method on built-in synthetic people.
    """
    for loader in loaders:
        for dataset in _datasets(cfg.get(loader)):
            try:
                _check_dataset(dataset, cfg.get('default_scope') or 'mmviewpose')
            except DatasetError as error:
                raise DatasetError(_with_advice(error.problem, cfg), file=error.file) from error


def _datasets(entry: Any) -> Iterator[Mapping]:
    """Configs of the datasets in a data loader's config, also inside wrappers."""
    if isinstance(entry, (list, tuple)):
        for item in entry:
            yield from _datasets(item)
    elif isinstance(entry, Mapping):
        if 'type' in entry and not {'dataset', 'datasets'} & set(entry):
            yield entry
        for key in ('dataset', 'datasets'):
            if key in entry:
                yield from _datasets(entry[key])


def _check_dataset(dataset: Mapping, scope: str) -> None:
    kind = dataset['type']
    with DATASETS.switch_scope_and_registry(scope) as registry:
        found = registry.get(kind) if isinstance(kind, str) else kind
    if hasattr(found, 'check_files'):
        found.check_files(dataset)
    else:
        for key in _HOST_FILES:
            path = osp.join(dataset.get('data_root') or '', dataset.get(key) or '')
            if dataset.get(key) and '://' not in path and not osp.exists(path):
                raise DatasetError('file not found', file=path)


def _with_advice(problem: str, cfg: Config) -> str:
    advice = [problem]
    if PREPARATION not in problem:
        advice.append(f'{PREPARATION} says how to get it')
    synthetic = cfg.get('synthetic_config')
    if synthetic:
        advice.append('the same method runs on built-in synthetic people with '
                      f'`python tools/train.py {synthetic}`')
    return '; '.join(advice)


# ---------------------------------------------------------------------------------------
# Checkpoints


def read_state_dict(path: str) -> Dict[str, torch.Tensor]:
    """Weights of a checkpoint of mmengine, or of a bare state dict, DDP's prefix taken off.

    Raises:
        UserError: No such file, it cannot be read as a checkpoint, or it holds no weights.
    """
    from mmviewpose.models.weights import read_weights  # imports the hosts: not for a usage line
    state = read_weights(path)
    if not any(torch.is_tensor(value) for value in state.values()):
        raise UserError(f'{path}: holds no weights')
    return {re.sub(r'^module\.', '', key): value for key, value in state.items()}


def check_checkpoint(model: torch.nn.Module, path: str, whole: bool = True) -> None:
    """Refuse a checkpoint that does not belong to a model.

    mmengine loads what fits and logs the rest, so a wrong file would go unnoticed.

    Args:
        model: The model, wrapped for distributed training or not.
        path: Checkpoint file.
        whole: All weights must be there; otherwise it is enough that one is (fine-tuning).

    Raises:
        UserError: Counts missing, unexpected and wrongly shaped weights.
    """
    if re.match(r'\w[\w-]*:', path) and '://' in path:
        return  # remote: mmengine downloads it, once, on the first rank
    state = read_state_dict(path)
    own = getattr(model, 'module', model).state_dict()
    missing = [key for key in own if key not in state]
    unexpected = [key for key in state if key not in own]
    misshapen = [key for key in own if key in state and state[key].shape != own[key].shape]
    fitting = len(own) - len(missing) - len(misshapen)
    if not (missing or unexpected or misshapen) or (fitting and not whole):
        return
    parts = [f'{len(keys)} {what} (e.g. {keys[0]})' for what, keys in (
        ('weights are missing', missing), ('are unexpected', unexpected),
        ('have another shape', misshapen)) if keys]
    raise UserError(f'{path} is a checkpoint of another model: of {len(own)} weights '
                    f"{fitting} fit; {', '.join(parts)}")


# ---------------------------------------------------------------------------------------
# Runner


def _use_gloo(cfg: Config) -> None:
    """Start a process group on CPUs; mmengine's own start wants CUDA."""
    env = cfg.setdefault('env_cfg', ConfigDict())
    dist_cfg = dict(env.get('dist_cfg') or {}, backend='gloo')
    env.dist_cfg = dist_cfg
    wrapper = dict(cfg.get('model_wrapper_cfg') or dict(broadcast_buffers=False))
    wrapper.setdefault('type', 'MMDistributedDataParallel')
    wrapper.setdefault('find_unused_parameters', cfg.get('find_unused_parameters', False))
    cfg.model_wrapper_cfg = dict(wrapper, device_ids=None)
    if torch.distributed.is_initialized():
        return
    if cfg.launcher == 'slurm':
        _slurm_environment(dist_cfg.get('port'))
    elif cfg.launcher == 'mpi':
        _mpi_environment()
    timeout = dist_cfg.get('timeout')
    options = {} if timeout is None else dict(timeout=datetime.timedelta(seconds=timeout))
    torch.distributed.init_process_group('gloo', **options)


def _slurm_environment(port: Optional[int]) -> None:
    import subprocess
    nodes = os.environ['SLURM_NODELIST']
    if 'MASTER_ADDR' not in os.environ:
        names = subprocess.run(['scontrol', 'show', 'hostname', nodes], check=True,
                               capture_output=True, text=True).stdout.split()
        os.environ['MASTER_ADDR'] = names[0]
    os.environ.setdefault('MASTER_PORT', str(port or 29500))
    for ours, slurms in (('WORLD_SIZE', 'SLURM_NTASKS'), ('RANK', 'SLURM_PROCID'),
                         ('LOCAL_RANK', 'SLURM_LOCALID')):
        os.environ[ours] = os.environ[slurms]


def _mpi_environment() -> None:
    os.environ.setdefault('MASTER_PORT', '29500')
    for ours, mpis in (('WORLD_SIZE', 'SIZE'), ('RANK', 'RANK'), ('LOCAL_RANK', 'LOCAL_RANK')):
        os.environ[ours] = os.environ[f'OMPI_COMM_WORLD_{mpis}']


def check_amp() -> None:
    """Check that there is a device for mixed precision.

    Raises:
        UserError: There is none.
    """
    if get_device() == 'cpu':
        raise UserError('--amp needs a GPU, there is none here; train without it')


def _scale_peaks(runner: Runner) -> None:
    """Scale the peak of one-cycle schedules as ``--auto-scale-lr`` scales the rate.

    mmengine scales the optimizer's rate alone, which such a schedule then overwrites.
    """
    scaling = runner.cfg.get('auto_scale_lr') or {}
    if not scaling.get('enable'):
        return
    batch_size = runner.cfg.train_dataloader.batch_size
    ratio = get_world_size() * batch_size / scaling['base_batch_size']
    schedules = runner.param_schedulers or ()
    for schedule in _schedules(schedules):
        if 'eta_max' in schedule:
            schedule['eta_max'] *= ratio


def _schedules(entry: Any) -> Iterator[dict]:
    """Configs of schedules: one, several, or such by the name of the optimizer."""
    if isinstance(entry, dict) and 'type' in entry:
        yield entry
    else:
        for part in entry.values() if isinstance(entry, dict) else entry:
            yield from _schedules(part)


def _name_plainly(model: torch.nn.Module) -> None:
    """Name the weights of parts that are wrapped each on its own as if they were not.

    mmengine saves such a model with its wrappers' names (``lifter.module.weight``) and loads the
    plain ones: resumed, it would start afresh without a word, and so would its running means.
    """
    for part in getattr(model, 'module', model).children():
        if is_model_wrapper(part):
            part._register_state_dict_hook(_drop_wrapper)
            part._register_load_state_dict_pre_hook(_add_wrapper)


def _drop_wrapper(module: torch.nn.Module, state: Dict[str, Any], prefix: str, *_: Any) -> None:
    for key in [key for key in state if key.startswith(f'{prefix}module.')]:
        state[prefix + key[len(f'{prefix}module.'):]] = state.pop(key)


def _add_wrapper(state: Dict[str, Any], prefix: str, *_: Any) -> None:
    for key in [key for key in state if key.startswith(prefix)]:
        state[f'{prefix}module.{key[len(prefix):]}'] = state.pop(key)


def build_runner(cfg: Config) -> Runner:
    """Build mmengine's Runner, on CPUs too, and check the checkpoint that it is to load.

    Raises:
        UserError: The checkpoint is missing or belongs to another model.
    """
    if cfg.get('launcher', 'none') != 'none' and not torch.cuda.is_available():
        _use_gloo(cfg)
    checkpoint, resume = cfg.get('load_from'), cfg.get('resume', False)
    if checkpoint and '://' not in checkpoint and not osp.isfile(checkpoint):
        raise UserError(f'checkpoint not found: {checkpoint}')
    runner = Runner.from_cfg(cfg)
    _name_plainly(runner.model)
    _scale_peaks(runner)
    if checkpoint is None and resume:
        checkpoint = find_latest_checkpoint(runner.work_dir)
    if checkpoint is not None:
        testing = cfg.get('train_dataloader') is None
        check_checkpoint(runner.model, checkpoint, whole=resume or testing)
    return runner
