"""Trainings and tests as parts that run side by side and are not run twice."""
import hashlib
import json
import multiprocessing
import multiprocessing.connection
import os
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Part:
    """One training and the tests of what it made.

    Args:
        name: Folder of the part below the work dir.
        config: Config file below ``configs/viewpose``, without ``.py``.
        options: Values to override in the config, by dotted key.
        tests: Further options of each test by its name; each is a run of the test loop.
        encoder: Name of the part whose checkpoint the encoder starts from.
        validate: Validate as the config says, for curves; nothing is chosen by it.
    """
    name: str
    config: str
    options: Mapping[str, Any] = field(default_factory=dict)
    tests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    encoder: Optional[str] = None
    validate: bool = False


def run_parts(parts: Sequence[Part], work_dir: Path, jobs: int = 2) -> Dict[str, dict]:
    """Run parts in ``jobs`` processes of one thread each, encoders before what needs them.

    A part whose result is there and was made from the same config and data is not run again.

    Args:
        parts: What to run.
        work_dir: Gets a folder a part, with its log, checkpoint and ``result.json``.
        jobs: Processes.

    Returns:
        By part name: ``metrics`` (by test, then by metric) and ``seconds``.

    Raises:
        UserError: A part failed; names its log.
    """
    from mmviewpose.errors import UserError
    results: Dict[str, dict] = {}
    waves = [[part for part in parts if part.encoder is None],
             [part for part in parts if part.encoder is not None]]
    with ProcessPoolExecutor(jobs, multiprocessing.get_context('spawn'),
                             initializer=_start_worker) as pool, \
            tqdm(total=len(parts), unit='part') as bar:
        for wave in waves:
            pending = {pool.submit(_run, part, work_dir): part for part in wave}
            for future in as_completed(pending):
                part = pending[future]
                try:
                    results[part.name] = future.result()
                except Exception as error:
                    pool.shutdown(wait=False, cancel_futures=True)
                    bar.write(f'{part.name} failed; waiting for what still runs')
                    raise UserError(f'{part.name} failed: {error} (see '
                                    f'{work_dir / part.name / "log.txt"})') from error
                bar.update()
                bar.write(f'{part.name}: {_brief(results[part.name])}')
    return results


def _brief(result: dict) -> str:
    metrics = [f'{test} {name} {value:.4g}' for test, values in result['metrics'].items()
               for name, value in values.items()
               if name in ('acc/top1', 'unique/top1', 'MPJPE', 'PA-MPJPE')]
    return ', '.join(metrics + [f'{result["seconds"]:.0f} s'])


def _start_worker() -> None:
    import torch
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    os.environ['OMP_NUM_THREADS'] = '1'
    torch.set_num_threads(1)
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)


def _leave_with_parent() -> None:
    """A worker whose parent was killed would train on, unseen."""
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _run(part: Part, work_dir: Path) -> dict:
    from mmviewpose.engine.files import write_json
    folder = work_dir / part.name
    cfg = config_of(part, work_dir)
    stamp = _fingerprint(cfg, part, work_dir)
    done = _finished(folder / 'result.json', stamp)
    if done is not None:
        return done
    folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    with open(folder / 'log.txt', 'w') as log, redirect_stdout(log), redirect_stderr(log):
        checkpoint = _train(cfg, folder)
        metrics = {name: run_test(config_of(part, work_dir, test), checkpoint)
                   for name, test in part.tests.items()}
    result = dict(metrics=metrics, seconds=time.perf_counter() - start, fingerprint=stamp)
    write_json(folder / 'result.json', result)
    return result


def config_of(part: Part, work_dir: Path, test: Optional[Mapping[str, Any]] = None):
    """The config that a part trains by, or with ``test``'s options is tested by."""
    from mmviewpose.engine.runner import load_config, set_encoder_checkpoint
    options = {**part.options, **(test or {})}
    cfg = load_config(str(ROOT / 'configs' / 'viewpose' / f'{part.config}.py'), options)
    if part.encoder is not None:
        set_encoder_checkpoint(cfg, checkpoint_of(work_dir / part.encoder))
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if 'data_root' in cfg.get(loader, {}).get('dataset', {}):
            cfg[loader].dataset.data_root = str(work_dir / 'data')
            for transform in (*cfg[loader].dataset.get('prepare', ()),
                              *cfg[loader].dataset.get('pipeline', ())):
                if transform.get('cameras'):
                    transform.cameras = str(work_dir / 'data' / Path(transform.cameras).name)
    if not part.validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.work_dir = str(work_dir / part.name)
    cfg.experiment_name = part.name.replace('/', '_')
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=-1, save_last=True)
    return cfg


def checkpoint_of(folder: Path) -> Path:
    """The last checkpoint that mmengine wrote in a work dir."""
    return Path((folder / 'last_checkpoint').read_text().strip())


# What of a config has no influence on a result. Custom hooks may have some, as LossWeightHook does.
IDLE_KEYS = ('default_hooks', 'visualizer', 'log_processor', 'log_level', 'experiment_name',
             'work_dir')


def _fingerprint(cfg, part: Part, work_dir: Path) -> str:
    """Changes with what the result depends on: config, tests, data, first encoder.

    Code is no part of it: after a change of code, give another work dir.
    """
    settings = {key: value for key, value in cfg.to_dict().items() if key not in IDLE_KEYS}
    text = json.dumps([settings, {name: dict(test) for name, test in part.tests.items()}],
                      default=str, sort_keys=True)
    archives = [path for path in sorted((work_dir / 'data').glob('*.npz')) if path.name in text]
    used = [(path.name, path.stat().st_size) for path in archives]
    if part.encoder is not None:
        used.append(checkpoint_of(work_dir / part.encoder).stat().st_mtime)
    return hashlib.sha256((text + json.dumps(used)).encode()).hexdigest()


def _finished(path: Path, stamp: str) -> Optional[dict]:
    try:
        result = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return result if result.get('fingerprint') == stamp else None


def _train(cfg, folder: Path) -> Path:
    from mmviewpose.engine.runner import build_runner
    cfg = cfg.copy()
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    build_runner(cfg).train()
    return checkpoint_of(folder)


def run_test(cfg, checkpoint: Path) -> Dict[str, float]:
    """The metrics of a config's test with the weights of a checkpoint."""
    from mmviewpose.engine.runner import build_runner
    for key in ('train_cfg', 'train_dataloader', 'optim_wrapper', 'param_scheduler', 'val_cfg',
                'val_dataloader', 'val_evaluator'):
        cfg[key] = None
    cfg.load_from = str(checkpoint)
    return {name: float(value) for name, value in build_runner(cfg).test().items()}


def draw_test(part: Part, work_dir: Path, pictures: Path) -> None:
    """Test a finished part once more, and let the config's visualization hook draw."""
    hook = 'default_hooks.visualization'
    run_test(config_of(part, work_dir, {f'{hook}.enable': True, f'{hook}.out_dir': str(pictures)}),
             checkpoint_of(work_dir / part.name))


def build_dataset(config: str, work_dir: Path, mode: str = 'test'):
    """The data set that a config trains on or, for ``mode='test'``, is tested on."""
    from mmengine.registry import DefaultScope

    from mmviewpose.registry import DATASETS
    cfg = config_of(Part('', config), work_dir)
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        return DATASETS.build(cfg[f'{mode}_dataloader'].dataset)


def row(name: str, metric: str, values: Sequence[float], paper: Optional[float] = None) -> dict:
    """A row of the JSON: mean and spread (sample standard deviation) over seeds."""
    import numpy as np
    return dict(name=name, metric=metric, mean=float(np.mean(values)),
                std=float(np.std(values, ddof=1)) if len(values) > 1 else 0.,
                seeds=[float(value) for value in values], paper=paper)


def table(rows: Sequence[dict]) -> str:
    """Rows as a Markdown table."""
    lines = ['| row | metric | mean | std | seeds | paper |',
             '| --- | --- | --- | --- | --- | --- |']
    for entry in rows:
        seeds = ', '.join(f'{value:.1f}' for value in entry['seeds'])
        paper = '' if entry['paper'] is None else f'{entry["paper"]:g}'
        lines.append(f'| {entry["name"]} | {entry["metric"]} | {entry["mean"]:.1f} | '
                     f'{entry["std"]:.1f} | {seeds} | {paper} |')
    return '\n'.join(lines)


def prepare_archives(data: Path, work_dir: Path, names: Sequence[str]) -> List[Path]:
    """Convert the raw recordings that an experiment needs, once.

    Args:
        data: Folder where the data sets were unpacked.
        work_dir: Archives go to its ``data`` folder.
        names: Of ``cmu``, ``bandai_namco``, ``nucla``, ``h36m_cameras``.

    Raises:
        DatasetError: A folder is not there.
    """
    from mmviewpose.datasets.formats.convert import convert
    from mmviewpose.errors import DatasetError
    sources = dict(cmu=('cmu', 'subjects'), nucla=('nucla', 'all_sqe'),
                   bandai_namco=('bvh', 'Bandai-Namco-Research-Motiondataset-1/data'))
    paths = []
    for name in names:
        if name == 'h36m_cameras':
            paths.append(_prepare_cameras(data, work_dir / 'data' / f'{name}.npz'))
            continue
        source, folder = sources[name]
        path = work_dir / 'data' / f'{name}.npz'
        if not (data / folder).is_dir():
            raise DatasetError('no such folder; docs/data_preparation.md says how to get it',
                               file=data / folder)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            convert(source, data / folder, path, fps=30., progress=True)
        paths.append(path)
    return paths


def _prepare_cameras(data: Path, path: Path) -> Path:
    """Human3.6M's cameras out of mmpose's test data."""
    from mmviewpose.datasets.formats.cameras import from_h36m
    from mmviewpose.datasets.formats.h36m import read_cameras
    from mmviewpose.errors import DatasetError
    if not path.is_file():
        found = sorted(data.glob('**/h36m/cameras.pkl'))
        if not found:
            raise DatasetError('no h36m/cameras.pkl in it; docs/data_preparation.md says how to '
                               'get it', file=data)
        from_h36m(read_cameras(found[0])).save(path)
    return path
