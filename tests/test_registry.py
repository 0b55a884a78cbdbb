"""Our parts build from the hosts' registries without being imported first."""
import subprocess
import sys

import pytest

CODE = '''
import sys
import mmviewpose.compat  # what lets mmpose import here at all; it registers nothing
from {module} import MODELS
from mmengine.registry import DefaultScope
from mmengine.config import ConfigDict
assert 'mmviewpose.registry' not in sys.modules
scope = {scope!r}
if scope:
    DefaultScope.get_instance('test', scope_name=scope)
loss = MODELS.build(ConfigDict(type='mmviewpose.BoneLengthLoss', skeleton='ape17'))
assert type(loss).__module__.startswith('mmviewpose.models.losses'), type(loss)
'''


@pytest.mark.parametrize('module, scope', [
    ('mmengine.registry', None), ('mmpose.registry', 'mmpose'), ('mmaction.registry', 'mmaction')])
def test_loss_builds_from_a_config_of(module, scope):
    code = CODE.format(module=module, scope=scope)
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'Failed to search registry' not in done.stderr + done.stdout


def test_no_kind_of_part_is_unknown_to_our_scope():
    from mmengine import registry as root
    from mmengine.registry import Registry

    import mmviewpose.registry  # noqa: F401
    for top in vars(root).values():
        if isinstance(top, Registry):
            assert 'mmviewpose' in top.children, top.name


def test_without_mmaction2_the_other_parts_are_there():
    code = """
import sys
from importlib.abc import MetaPathFinder
import importlib.util

class Block(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('mmaction', 'mmpose', 'mmdet', 'mmcv'):
            raise ModuleNotFoundError(name)

found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *a: None if name == 'mmaction' else found(name, *a)
sys.meta_path.insert(0, Block())
from mmviewpose.registry import DATASETS, METRICS, MODELS
assert MODELS.get('SiameseAutoEncoder') and MODELS.get('JointPositionLoss')
assert METRICS.get('PoseErrorMetric') and DATASETS.get('PoseDataset')
assert 'SubsetAccuracy' not in METRICS.module_dict
"""
    subprocess.run([sys.executable, '-c', code], check=True)
