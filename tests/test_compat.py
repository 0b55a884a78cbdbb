import copy
import importlib
import importlib.util
import io
import pickle
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from mmviewpose import compat

mmengine_logging = pytest.importorskip('mmengine.logging')


@pytest.fixture(scope='module')
def plain_buffer():
    """mmengine's own HistoryBuffer, from a second import of its file."""
    spec = importlib.util.find_spec('mmengine.logging.history_buffer')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.HistoryBuffer


def _reload(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    buffer.seek(0)
    return compat.load_checkpoint_file(buffer)


# --- history buffers


@pytest.mark.filterwarnings('ignore:The length of history buffer')
@pytest.mark.parametrize('seed', range(40))
def test_history_equals_mmengines(plain_buffer, seed):
    draw = random.Random(seed)
    length = draw.choice([0, 1, 3, 50, 10**6])
    start = [draw.choice([1, 2.5, True, 3]) for _ in range(draw.randint(0, 5))]
    values = [lambda: draw.random(), lambda: draw.randint(-5, 5), lambda: True, lambda: 2**62 + 1,
              lambda: np.float64(3.5), lambda: 2**63, lambda: 2**80]
    kinds = values if seed % 5 == 0 else [*values[:5], lambda: float('nan')]
    theirs = plain_buffer(start, [1] * len(start), max_length=length)
    ours = mmengine_logging.HistoryBuffer(start, [1] * len(start), max_length=length)
    for _ in range(draw.randint(0, 200)):
        value, count = draw.choice(kinds)(), draw.choice([1, 1, 2, 0.5, True])
        theirs.update(value, count)
        ours.update(value, count)
        if draw.random() < 0.1:
            ours = draw.choice([copy.copy, copy.deepcopy,
                                lambda it: pickle.loads(pickle.dumps(it))])(ours)
        for expected, got in zip(theirs.data, ours.data):
            assert got.dtype == expected.dtype
            np.testing.assert_array_equal(got, expected)


def test_history_handed_out_does_not_change():
    history = mmengine_logging.HistoryBuffer(max_length=5)
    for step in range(5):
        history.update(step)
    log, _ = history.data
    for step in range(100):
        history.update(-1)
    np.testing.assert_array_equal(log, np.arange(5.))


def test_history_refuses_what_mmengine_refuses():
    history = mmengine_logging.HistoryBuffer()
    with pytest.raises(TypeError, match='int or float'):
        history.update('1')


def test_history_grows_in_constant_time():
    history = mmengine_logging.HistoryBuffer()
    moved = 0
    for step in range(100000):
        before = compat._LOG.grown(history).buffer
        history.update(0.5)
        after = compat._LOG.grown(history).buffer
        moved += len(before) if after is not before else 0
    assert len(history.data[0]) == 100000
    assert moved < 200000  # copied entries; appending by copy would move 5,000,000,000


@pytest.mark.parametrize('length', [3, 1000])
@pytest.mark.parametrize('values', [[0.5, 1.5, -2.], [1, 0.5], [], [0.5] * 2000])
def test_extend_history_equals_updates(values, length):
    one, other = (mmengine_logging.HistoryBuffer([1.], [1], max_length=length) for _ in range(2))
    compat.extend_history(one, values)
    for value in values:
        other.update(value)
    for got, expected in zip(one.data, other.data):
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)


# --- checkpoints


def test_checkpoint_content_loads_safely():
    history = mmengine_logging.HistoryBuffer()
    for step in range(10):
        history.update(step / 2)
    content = dict(
        message_hub=dict(log_scalars=dict(loss=history)), state_dict=dict(w=torch.ones(2)),
        meta=dict(a=np.arange(3), f=np.float32(2), i=np.int64(3), s=np.array(['a']),
                  b=np.array([True]), e=np.zeros((0, 3)), text='x', some={1, 2}, raw=b'\x00\xff'))
    loaded = _reload(content)
    np.testing.assert_array_equal(loaded['message_hub']['log_scalars']['loss'].data[0],
                                  np.arange(10) / 2)
    assert loaded['message_hub']['log_scalars']['loss'].statistics('mean') == 2.25
    for key, value in content['meta'].items():
        np.testing.assert_array_equal(loaded['meta'][key], value)


def test_checkpoint_of_a_plain_mmengine_loads_safely(plain_buffer, monkeypatch):
    """Without us, mmengine stores the class's own methods, through ``getattr``."""
    module = importlib.import_module('mmengine.logging.history_buffer')
    ours, buffer = module.HistoryBuffer, io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(module, 'HistoryBuffer', plain_buffer)
        torch.save(plain_buffer([1., 2.], [1, 1]), buffer)
    assert b'getattr' in buffer.getvalue()
    buffer.seek(0)
    loaded = compat.load_checkpoint_file(buffer)
    assert type(loaded) is ours and loaded.statistics('mean') == 1.5


class _Evil:

    def __reduce__(self):
        return print, ('this code ran', )


class _EvilGetattr:

    def __reduce__(self):
        return getattr, (torch.Tensor, 'numpy')


@pytest.mark.parametrize('evil', [_Evil, _EvilGetattr])
def test_code_in_a_checkpoint_is_refused(evil, capsys):
    with pytest.raises(pickle.UnpicklingError):
        _reload(dict(state_dict=evil()))
    assert 'ran' not in capsys.readouterr().out


def test_numpy_names_of_the_other_major_version_load():
    buffer = io.BytesIO()
    torch.save(np.arange(4.), buffer)
    old, new = b'numpy.core.multiarray', b'numpy._core.multiarray'
    import zipfile
    source, target = zipfile.ZipFile(buffer), io.BytesIO()
    with zipfile.ZipFile(target, 'w') as out:
        for item in source.namelist():
            data = source.read(item)
            if item.endswith('data.pkl'):
                assert old in data or new in data
                data = data.replace(new, b'@@@').replace(old, new).replace(b'@@@', old)
            out.writestr(item, data)
    target.seek(0)
    np.testing.assert_array_equal(compat.load_checkpoint_file(target), np.arange(4.))


def test_mmengine_loads_and_saves_through_us(tmp_path, monkeypatch):
    from mmengine.runner import checkpoint
    assert checkpoint.torch.load is compat.load_checkpoint_file
    path = tmp_path / 'a.pth'
    checkpoint.save_checkpoint(dict(a=1), str(path))
    assert checkpoint.load_checkpoint is not None and checkpoint._load_checkpoint(str(path)) == {
        'a': 1}

    def fail(*args, **kwargs):
        raise KeyboardInterrupt

    from mmengine.fileio import LocalBackend
    monkeypatch.setattr(LocalBackend, 'put', fail)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save_checkpoint(dict(a=2), str(path))
    assert [entry.name for entry in tmp_path.iterdir()] == ['a.pth']
    assert checkpoint._load_checkpoint(str(path)) == {'a': 1}


# --- stand-ins


def test_import_is_light_and_twice_is_once():
    code = ('import sys, mmviewpose.compat as c; a = list(sys.meta_path)\n'
            'import importlib; importlib.reload(c)\n'
            'heavy = [m for m in ("mmcv", "mmpose", "mmaction", "mmdet", "mmengine.runner")'
            ' if m in sys.modules]\n'
            'assert not heavy, heavy\n'
            'assert len(sys.meta_path) <= len(a) + 2\n')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr


def test_hosts_import():
    pytest.importorskip('mmpose')
    for name in ('mmpose.models', 'mmpose.datasets', 'mmpose.evaluation', 'mmaction.models',
                 'mmaction.datasets', 'mmdet.models'):
        importlib.import_module(name)


def _real(name):
    """Whether a module is there without us."""
    finders = [f for f in sys.meta_path if not isinstance(f, compat._StandInFinder)]
    try:
        parent = name.rpartition('.')[0]
        path = importlib.import_module(parent).__path__ if parent else None
    except ImportError:
        return True
    return any(f.find_spec(name, path) for f in finders if hasattr(f, 'find_spec'))


@pytest.mark.skipif(_real('mmcv._ext'), reason='full mmcv, or none')
def test_compiled_ops_say_what_is_missing():
    ext = importlib.import_module('mmcv._ext')
    assert ext.__spec__ is not None and importlib.util.find_spec('mmcv._ext') is not None
    assert 'mmcv._ext' in compat.stand_ins()
    with pytest.raises(compat.MissingFeatureError, match='roi_align_forward.*full mmcv'):
        ext.roi_align_forward(1)
    assert not hasattr(ext, '__wrapped__')


@pytest.mark.skipif(_real('xtcocotools'), reason='xtcocotools is installed')
def test_xtcocotools_stands_over_pycocotools():
    pytest.importorskip('pycocotools')
    from pycocotools.coco import COCO
    assert importlib.import_module('xtcocotools.coco').COCO is COCO
    mask = importlib.import_module('xtcocotools.mask')
    np.testing.assert_array_equal(mask.decode(mask.encode(np.asfortranarray(
        np.eye(3, dtype=np.uint8)))), np.eye(3))
    with pytest.raises(compat.MissingFeatureError, match='xtcocotools'):
        importlib.import_module('xtcocotools.cocoeval').COCOeval()


def test_a_real_module_wins(tmp_path, monkeypatch):
    (tmp_path / 'pkg_resources.py').write_text('real = True\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, 'pkg_resources', raising=False)
    try:
        assert importlib.import_module('pkg_resources').real
    finally:
        sys.modules.pop('pkg_resources', None)  # not monkeypatch, which would put it back


def test_pkg_resources_stand_in():
    import types
    module = types.ModuleType('pkg_resources')
    compat._fill_pkg_resources(module)
    found = module.get_distribution('numpy')
    assert found.version == np.__version__
    assert (importlib.util.find_spec('numpy').origin).startswith(found.location)
    with pytest.raises(module.DistributionNotFound):
        module.get_distribution('no-such-distribution')
