"""What is broken in the installed stack, and what stands in for it.

Importing this module

* offers stand-ins, used only where the real module is absent or does not import: ``mmcv._ext``
  (compiled ops, absent from mmcv-lite), ``xtcocotools`` (wheels for numpy 1 only) and
  ``pkg_resources`` (gone from setuptools 81 on);
* makes mmengine's checkpoints load with ``weights_only=True``, and be written whole or not at all;
* makes a step of mmengine's ``HistoryBuffer`` cost the same after 100,000 steps as at the first.

Nothing of mmcv, mmpose, mmdet or mmaction2 is imported here, and a second import does nothing.
"""
import codecs
import collections
import functools
import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import os
import pickle
import sys
import types
import warnings
from typing import Any, Callable, Dict, Optional, Sequence

import numpy as np
import torch

__all__ = ['MissingFeatureError', 'extend_history', 'load_checkpoint_file', 'stand_ins']


class MissingFeatureError(RuntimeError):
    """A stand-in was used for something that only the real package can do."""


def _missing(feature: str, remedy: str) -> Callable:

    def refuse(*args, **kwargs):
        raise MissingFeatureError(f'{feature} is not available here: {remedy}')

    return refuse


# ---------------------------------------------------------------------------------------
# Stand-in modules


def _fill_mmcv_ext(module: types.ModuleType) -> None:
    """Any name is a function that refuses to be called; importing ``mmcv.ops`` needs no more."""

    def __getattr__(name: str) -> Callable:
        if name.startswith('__'):
            raise AttributeError(name)
        return _missing(f'the compiled mmcv op {name}',
                        'mmcv-lite is installed; install the full mmcv to use it')

    module.__getattr__ = __getattr__


def _fill_xtcocotools(module: types.ModuleType) -> None:
    module.__path__ = []


def _pycocotools(part: str) -> types.ModuleType:
    try:
        return importlib.import_module(f'pycocotools.{part}')
    except ImportError as error:
        raise ImportError(
            'mmpose needs xtcocotools, which does not import here, and pycocotools, which could '
            f'stand in for it, does not either ({error}): pip install pycocotools') from error


def _fill_xtcocotools_coco(module: types.ModuleType) -> None:
    module.COCO = _pycocotools('coco').COCO


def _fill_xtcocotools_mask(module: types.ModuleType) -> None:
    real = _pycocotools('mask')
    vars(module).update({k: v for k, v in vars(real).items() if not k.startswith('__')})


def _fill_xtcocotools_cocoeval(module: types.ModuleType) -> None:
    remedy = 'it needs xtcocotools, which is not installed or does not import with this numpy'
    module.COCOeval = type('COCOeval', (), {'__init__': _missing('COCO evaluation', remedy)})


def _fill_pkg_resources(module: types.ModuleType) -> None:
    """What ``mmengine.utils.package_utils`` calls, over ``importlib.metadata``."""

    class DistributionNotFound(Exception):
        pass

    class Distribution:

        def __init__(self, name: str) -> None:
            try:
                self._metadata = importlib.metadata.distribution(name)
            except (importlib.metadata.PackageNotFoundError, ValueError) as error:
                raise DistributionNotFound(name) from error
            self.project_name = name
            self.version = self._metadata.version
            self.location = str(self._metadata.locate_file(''))

        def has_metadata(self, file: str) -> bool:
            return self._metadata.read_text(file) is not None

        def get_metadata(self, file: str) -> str:
            return self._metadata.read_text(file) or ''

    module.DistributionNotFound = DistributionNotFound
    module.get_distribution = Distribution


_STAND_INS: Dict[str, Callable[[types.ModuleType], None]] = {
    'mmcv._ext': _fill_mmcv_ext,
    'xtcocotools': _fill_xtcocotools,
    'xtcocotools.coco': _fill_xtcocotools_coco,
    'xtcocotools.mask': _fill_xtcocotools_mask,
    'xtcocotools.cocoeval': _fill_xtcocotools_cocoeval,
    'pkg_resources': _fill_pkg_resources,
}


class _StandInLoader(importlib.abc.Loader):

    def create_module(self, spec):
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        module.__doc__ = f'Stand-in for {module.__name__}, from mmviewpose.compat.'
        _STAND_INS[module.__name__](module)


class _StandInFinder(importlib.abc.MetaPathFinder):
    """Finds the stand-ins whose names it is given.

    At the end of ``sys.meta_path`` it is asked only for what no other finder has, so a full mmcv
    is used untouched. The specs are real ones: ``torch`` and ``pkgutil`` look at them.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = frozenset(names)

    def find_spec(self, fullname, path=None, target=None):
        if fullname not in self.names:
            return None
        return importlib.machinery.ModuleSpec(
            fullname, _StandInLoader(), origin='mmviewpose.compat',
            is_package=fullname == 'xtcocotools')


def stand_ins() -> Sequence[str]:
    """Names of the modules that are stand-ins among those imported so far."""
    return [name for name in _STAND_INS
            if isinstance(getattr(sys.modules.get(name), '__loader__', None), _StandInLoader)]


def _xtcocotools_is_broken() -> bool:
    """Whether it is installed but does not import (built for numpy 1, run under numpy 2)."""
    if importlib.util.find_spec('xtcocotools') is None:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            importlib.import_module('xtcocotools.mask')
    except Exception:  # noqa: BLE001  (a binary mismatch raises ValueError, others ImportError)
        return True
    return False


def _install_stand_ins() -> None:
    if any(isinstance(finder, _StandInFinder) for finder in sys.meta_path):
        return
    if _xtcocotools_is_broken():
        names = [name for name in _STAND_INS if name.startswith('xtcocotools')]
        for name in [n for n in sys.modules if n.split('.')[0] == 'xtcocotools']:
            del sys.modules[name]
        sys.meta_path.insert(0, _StandInFinder(names))
    sys.meta_path.append(_StandInFinder(list(_STAND_INS)))


# ---------------------------------------------------------------------------------------
# History buffers


class _Grown:
    """A 1-D array that grows at its end in amortised constant time.

    ``view()`` after ``append(x)`` equals ``np.append(before, x)`` in values and dtype. Views that
    were handed out keep their values: memory is only written behind their end, or is new.
    """

    __slots__ = ('buffer', 'start', 'stop')

    def __init__(self, values: np.ndarray) -> None:
        self.buffer = np.ravel(values)
        self.start, self.stop = 0, len(self.buffer)

    def view(self) -> np.ndarray:
        return self.buffer[self.start:self.stop]

    def append(self, value) -> None:
        dtype = self.buffer.dtype
        kind = type(value)
        if dtype is not _FLOAT64 or not (
                kind is float or (kind is int and -2**63 <= value < 2**63)):
            # np.append's rule: the dtype that holds both
            dtype = np.promote_types(dtype, np.asarray(value).dtype)
        if self.stop == len(self.buffer) or dtype != self.buffer.dtype:
            self._enlarge(dtype, 1)
        self.buffer[self.stop] = value
        self.stop += 1

    def extend(self, values: np.ndarray) -> None:
        """Append values of a dtype that the array's holds."""
        while len(self.buffer) - self.stop < len(values):
            self._enlarge(self.buffer.dtype, len(values))
        self.buffer[self.stop:self.stop + len(values)] = values
        self.stop += len(values)

    def _enlarge(self, dtype: np.dtype, spare: int) -> None:
        length = self.stop - self.start
        bigger = np.empty(max(64, 2 * length, length + spare), dtype)
        bigger[:length] = self.view()
        self.buffer, self.start, self.stop = bigger, 0, length

    def keep_last(self, length: int) -> None:
        # the slice mmengine takes, which for a length of 0 keeps all
        self.start += slice(-length, None).indices(self.stop - self.start)[0]


_FLOAT64 = np.dtype(np.float64)


class _History:
    """Descriptor that keeps a history array of ``HistoryBuffer`` in the instance's dict."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        try:
            held = instance.__dict__[self.name]
        except KeyError:
            raise AttributeError(self.name) from None
        return held.view() if type(held) is _Grown else held

    def __set__(self, instance, value) -> None:
        instance.__dict__[self.name] = value

    def grown(self, instance) -> _Grown:
        held = instance.__dict__[self.name]
        if type(held) is not _Grown:
            held = instance.__dict__[self.name] = _Grown(held)
        return held


_LOG, _COUNT = _History('_log_history'), _History('_count_history')


def _update(self, log_val, count=1) -> None:
    """Append a value and its count, and drop the oldest beyond ``max_length``."""
    if not isinstance(log_val, (int, float)) or not isinstance(count, (int, float)):
        raise TypeError(f'log_val must be int or float but got {type(log_val)}, '
                        f'count must be int but got {type(count)}')
    log, counts = _LOG.grown(self), _COUNT.grown(self)
    log.append(log_val)
    counts.append(count)
    if log.stop - log.start > self.max_length:
        log.keep_last(self.max_length)
        counts.keep_last(self.max_length)


def extend_history(history, values: Sequence[float]) -> None:
    """``history.update(value)`` for each value, at once where they are floats.

    Args:
        history: A ``HistoryBuffer`` of mmengine.
        values: Python numbers.
    """
    log, counts = _LOG.grown(history), _COUNT.grown(history)
    if log.buffer.dtype != np.float64 or counts.buffer.dtype.kind not in 'if' or not all(
            type(value) is float for value in values):
        for value in values:
            history.update(value)
        return
    log.extend(np.asarray(values, np.float64))
    counts.extend(np.ones(len(values), counts.buffer.dtype))
    if log.stop - log.start > history.max_length:
        log.keep_last(history.max_length)
        counts.keep_last(history.max_length)


def _getstate(self) -> dict:
    """Plain values only: functions in a checkpoint would need ``getattr`` to be trusted."""
    state = {k: v for k, v in self.__dict__.items() if k != 'statistics_methods'}
    state.update(_log_history=self._log_history, _count_history=self._count_history)
    return state


def _setstate(self, state: dict) -> None:
    self._set_default_statistics()
    self.__dict__.update({k: v for k, v in state.items() if k != 'statistics_methods'})


def _patch_history_buffer() -> Optional[type]:
    try:
        from mmengine.logging import HistoryBuffer
    except ImportError:
        return None
    if not isinstance(HistoryBuffer.__dict__.get('_log_history'), _History):
        HistoryBuffer._log_history, HistoryBuffer._count_history = _LOG, _COUNT
        HistoryBuffer.update = _update
        HistoryBuffer.__getstate__, HistoryBuffer.__setstate__ = _getstate, _setstate
    return HistoryBuffer


# ---------------------------------------------------------------------------------------
# Checkpoints


def _named(function: Callable, path: str) -> Callable:
    """``function`` under the name ``path`` by which a pickle may ask for it."""

    @functools.wraps(function, updated=())
    def call(*args):
        return function(*args)

    call.__module__, call.__qualname__ = path.rsplit('.', 1)
    return call


def _safe_globals(history_buffer: Optional[type]) -> Dict[str, Any]:
    """What a checkpoint of mmengine may name beyond tensors: histories and numpy arrays."""
    core = importlib.import_module('numpy._core.multiarray' if np.lib.NumpyVersion(np.__version__)
                                   >= '2.0.0' else 'numpy.core.multiarray')
    allowed = {'numpy.ndarray': np.ndarray, 'numpy.dtype': np.dtype}
    # what newer torch trusts anyway: bytes, sets and the like in a pickle of protocol 2
    allowed['_codecs.encode'] = codecs.encode
    allowed['collections.Counter'] = collections.Counter  # MultiStepLR's milestones
    for plain in (set, frozenset, bytes, bytearray, complex):
        for module in ('builtins', '__builtin__'):
            allowed[f'{module}.{plain.__name__}'] = plain
    # the module's name differs between numpy 1 and 2; a file of either loads under both
    for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
        for name in ('_reconstruct', 'scalar'):
            allowed[f'{module}.{name}'] = _named(getattr(core, name), f'{module}.{name}')
    for code in '?bBhHiIlLqQefdgFDUSO':
        dtype_class = type(np.dtype(code))
        allowed[f'{dtype_class.__module__}.{dtype_class.__qualname__}'] = dtype_class
    if history_buffer is not None:
        allowed['mmengine.logging.history_buffer.HistoryBuffer'] = history_buffer

        def refuse_getattr(owner, name):
            # a plain mmengine stores HistoryBuffer's own methods, which _setstate drops
            if owner is not history_buffer:
                raise pickle.UnpicklingError(f'getattr of {owner!r} is not allowed')

        for path in ('builtins.getattr', '__builtin__.getattr'):
            allowed[path] = _named(refuse_getattr, path)
    return allowed


_ALLOWED: Dict[str, Any] = {}


class _RestrictedPickle(types.ModuleType):
    """A ``pickle_module`` for torch before 2.4, whose ``weights_only`` cannot be extended.

    It finds the globals that torch itself trusts and those of :func:`_safe_globals`, nothing else.
    """

    class Unpickler(pickle.Unpickler):

        def find_class(self, module: str, name: str):
            from torch._weights_only_unpickler import _get_allowed_globals
            path = f'{module}.{name}'
            for table in (_get_allowed_globals(), _ALLOWED):
                if path in table:
                    return table[path]
            raise pickle.UnpicklingError(f'Unsupported global: {path} is not allowed')

    UnpicklingError = pickle.UnpicklingError

    @classmethod
    def load(cls, file, **kwargs):
        return cls.Unpickler(file, **kwargs).load()


_CAN_EXTEND = hasattr(torch.serialization, 'add_safe_globals')


def load_checkpoint_file(file, map_location=None, **kwargs) -> Any:
    """``torch.load`` that runs no code from the file, on every torch from 2.1 on.

    Args:
        file: Path or binary file object.
        map_location: As in :func:`torch.load`.

    Raises:
        pickle.UnpicklingError: The file names something else than tensors, numpy arrays, plain
            containers and mmengine's log histories.
    """
    kwargs.pop('weights_only', None)
    kwargs.pop('pickle_module', None)
    if _CAN_EXTEND:
        return torch.load(file, map_location=map_location, weights_only=True, **kwargs)
    return torch.load(file, map_location=map_location,
                      pickle_module=_RestrictedPickle('restricted_pickle'), **kwargs)


def _load_url(url: str, model_dir: Optional[str] = None, map_location=None, progress: bool = True,
              check_hash: bool = False, file_name: Optional[str] = None) -> Any:
    """``torch.hub.load_state_dict_from_url``, which trusts what it downloads, made safe."""
    from urllib.parse import urlparse
    model_dir = model_dir or os.path.join(torch.hub.get_dir(), 'checkpoints')
    os.makedirs(model_dir, exist_ok=True)
    name = file_name or os.path.basename(urlparse(url).path)
    cached = os.path.join(model_dir, name)
    if not os.path.exists(cached):
        found = torch.hub.HASH_REGEX.search(name) if check_hash else None
        torch.hub.download_url_to_file(url, cached, found.group(1) if found else None, progress)
    return load_checkpoint_file(cached, map_location)


class _SafeTorch(types.ModuleType):
    """``torch`` as ``mmengine.runner.checkpoint`` sees it: ``load`` is the safe one."""

    load = staticmethod(load_checkpoint_file)

    def __getattr__(self, name: str):
        return getattr(torch, name)


def _atomic(save: Callable) -> Callable:
    """``save_checkpoint`` that leaves no half-written file when it is interrupted."""

    @functools.wraps(save)
    def save_whole(checkpoint, filename, *args, **kwargs):
        if '://' in filename:
            return save(checkpoint, filename, *args, **kwargs)
        temporary = f'{filename}.writing-{os.getpid()}'
        try:
            save(checkpoint, temporary, *args, **kwargs)
            os.replace(temporary, filename)
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)

    return save_whole


def _patch_checkpoint_module(module: types.ModuleType) -> None:
    if isinstance(module.torch, _SafeTorch):
        return
    module.torch = _SafeTorch('torch')
    module.load_url = _load_url
    _patch_schedulers()
    module.save_checkpoint = _atomic(module.save_checkpoint)
    runner = sys.modules.get('mmengine.runner.runner')
    if hasattr(runner, 'save_checkpoint'):
        runner.save_checkpoint = module.save_checkpoint


def _patch_schedulers() -> None:
    """Keep functions out of what schedulers put into checkpoints: OneCycleLR stores its own
    method, which no safe loader takes. The constructor sets it anyway."""
    from mmengine.optim.scheduler.param_scheduler import _ParamScheduler

    def state_dict(self) -> dict:
        return {key: value for key, value in self.__dict__.items()
                if key != 'optimizer' and not callable(value)}

    _ParamScheduler.state_dict = state_dict


class _CheckpointFinder(importlib.abc.MetaPathFinder):
    """Patches ``mmengine.runner.checkpoint`` when, and only if, it is imported.

    Importing it here would cost every user of a registry several seconds.
    """

    name = 'mmengine.runner.checkpoint'

    def find_spec(self, fullname, path=None, target=None):
        if fullname != self.name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            _patch_checkpoint_module(module)

        spec.loader.exec_module = exec_module
        return spec


def _secure_checkpoints(history_buffer: Optional[type]) -> None:
    _ALLOWED.update(_safe_globals(history_buffer))
    if _CAN_EXTEND:
        torch.serialization.add_safe_globals(list(_ALLOWED.values()))
    loaded = sys.modules.get(_CheckpointFinder.name)
    if loaded is not None:
        _patch_checkpoint_module(loaded)
    elif not any(isinstance(finder, _CheckpointFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _CheckpointFinder())


_install_stand_ins()
_secure_checkpoints(_patch_history_buffer())
