"""What the tests share."""
import importlib.util
import itertools
import os
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]
# a test must not take more than its core, nor wait for a network
os.environ.setdefault('OMP_NUM_THREADS', '1')


def pytest_collection_modifyitems(config, items):
    """Leave out `slow` tests unless asked for with -m, and `gpu` tests without a device."""
    if not config.getoption('-m'):
        skip = pytest.mark.skip(reason='slow; run with -m slow')
        for item in items:
            if 'slow' in item.keywords:
                item.add_marker(skip)
    if any('gpu' in item.keywords for item in items):
        import torch
        if not torch.cuda.is_available():
            skip = pytest.mark.skip(reason='no CUDA device')
            for item in items:
                if 'gpu' in item.keywords:
                    item.add_marker(skip)


def pytest_sessionfinish(session, exitstatus):
    """All tests skipped is no test ran: leave with the status that says so."""
    reporter = session.config.pluginmanager.get_plugin('terminalreporter')
    collecting = session.config.getoption('collectonly', False)
    if exitstatus == 0 and reporter is not None and not collecting and not (
            reporter.stats.get('passed') or reporter.stats.get('xfailed')):
        session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.fixture(autouse=True)
def _fresh_default_scope():
    """A Runner leaves its default scope behind; the next test starts without one."""
    yield
    module = sys.modules.get('mmengine.registry.default_scope')
    if module is not None:
        module.DefaultScope._instance_dict.clear()


@pytest.fixture(scope='session')
def root() -> Path:
    """Folder of the repository."""
    return ROOT


@pytest.fixture(scope='session')
def recordings():
    """A folder of real recordings below the one that MMVIEWPOSE_DATA names, by its name; the test
    is skipped where there is none."""

    def folder(name: str) -> Path:
        data = os.environ.get('MMVIEWPOSE_DATA', '')
        path = Path(data, name)
        if not data or not path.is_dir():
            pytest.skip(f'MMVIEWPOSE_DATA names no folder with {name}')
        return path

    return folder


@pytest.fixture(scope='session')
def load_tool():
    """Import a script of ``tools`` by its path, e.g. ``load_tool('train.py')``."""

    def load(name: str):
        path = ROOT / 'tools' / name
        spec = importlib.util.spec_from_file_location(
            'tool_' + name.replace('/', '_').replace('.py', ''), path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope='session')
def write_pose_images():
    """Write a small tree of images with poses in mmpose's layout of Human3.6M or MPI-INF-3DHP."""
    return _write_pose_images


H36M_SERIALS = ('54138969', '55011271', '58860488', '60457274')


def _write_pose_images(root, source='h36m', subjects=(1, 5), performances=('Walking_1', 'Sitting'),
                       cameras=None, frames=(1, 6, 11), ending='jpg', ann_file='train.npz',
                       camera_param_file='cameras.pkl', img_prefix='images', leave_out=(),
                       images=True, colours=True):
    """Each image is of one colour, which tells subject, camera (its place) and frame: 10 times
    subject, 20 times camera, frame.

    Args:
        leave_out: Names of images that are in neither the file nor the folder.
        images: Whether to write them.
        colours: False: all are of one colour, which is quicker.

    Returns:
        ``names``, ``centre``, ``scale`` and, of each image, the pose in the world ``world``
        (17, 3) in mm, +z up in Human3.6M and +y in MPI-INF-3DHP.
    """
    import cv2
    import numpy as np
    rng = np.random.default_rng(0)
    h36m = source == 'h36m'
    cameras = cameras or (H36M_SERIALS if h36m else (0, 1, 2))
    width, height = (64, 60) if h36m else (2048, 2048)
    facts, known, worlds = [], {}, {}
    if Path(root, camera_param_file).is_file():  # of other people
        known = pickle.loads(Path(root, camera_param_file).read_bytes())
    for subject, action, (place, camera), frame in itertools.product(
            subjects, performances, enumerate(cameras), frames):
        if h36m:
            recording = f'S{subject}_{action}.{camera}'
            name, key = f'S{subject}/{recording}/{recording}_{frame:06d}.{ending}', (
                f'S{subject}', camera)
        else:
            key = f'S{subject}_{action}_Cam{camera}'
            name = f'{key}_{frame:06d}.{ending}'
        if key not in known:
            turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
            known[key] = dict(
                R=turn * np.sign(np.linalg.det(turn)), T=rng.normal(size=(3, 1)),
                f=np.full((2, 1), 80.), c=np.full((2, 1), 32.), k=np.zeros((3, 1)),
                p=np.zeros((2, 1)), w=width, h=height)
        if name in leave_out:
            continue
        world = worlds.setdefault((subject, action, frame), rng.normal(scale=.4, size=(17, 3)))
        rotation, centre = known[key]['R'], known[key]['T'][:, 0]
        seen = (world - centre) @ rotation if h36m else world @ rotation.T + centre
        facts.append((name, seen, world * 1000, (10 * subject, 20 * place, frame)))
    for name, *_, colour in facts if images else ():
        path = Path(root, img_prefix, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if colours or name == facts[0][0]:
            image = np.full((height, width, 3), colour[::-1], np.uint8)  # blue first
            _, code = cv2.imencode(f'.{ending}', image, [cv2.IMWRITE_JPEG_QUALITY, 100])
        path.write_bytes(code.tobytes())
    names, seen, world, _ = (list(column) for column in zip(*facts))
    count = len(names)
    centre = np.tile([width / 2, height / 2], (count, 1))
    scale = np.full(count, .5 * height / 200)
    ones = np.ones((count, 17, 1))
    for path in (Path(root, ann_file), Path(root, camera_param_file)):
        path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(Path(root, ann_file), imgname=np.array(names), center=centre, scale=scale,
             part=np.ones((count, 17, 3)), S=np.concatenate([np.array(seen), ones], -1))
    Path(root, camera_param_file).write_bytes(pickle.dumps(known))
    return SimpleNamespace(names=names, centre=centre, scale=scale, world=np.array(world))
