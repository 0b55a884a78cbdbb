"""What the tests share."""
import importlib.util
import os
import sys
from pathlib import Path

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
