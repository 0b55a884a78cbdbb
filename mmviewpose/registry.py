"""Registry nodes of mmviewpose.

Each node is a direct child of mmengine's root with ``scope='mmviewpose'``, so that
``type='mmviewpose.X'`` builds from mmpose, mmaction2 and plain mmengine configs without
``custom_imports``: mmengine imports this module when it meets the scope, and the node imports
its ``locations`` at the first look-up. In our own configs ``default_scope = 'mmviewpose'`` and
parts of the hosts carry their prefix (``mmpose.PoseLifter``).
"""
from mmengine import registry as root
from mmengine.registry import Registry

from . import compat  # noqa: F401  (host packages import only with its stand-ins in place)


def _node(name: str, parent: Registry, *locations: str) -> Registry:
    return Registry(name, parent=parent, scope='mmviewpose',
                    locations=[f'mmviewpose.{location}' for location in locations])


MODELS = _node('model', root.MODELS, 'models')
DATASETS = _node('dataset', root.DATASETS, 'datasets')
DATA_SAMPLERS = _node('data sampler', root.DATA_SAMPLERS, 'datasets.samplers')
TRANSFORMS = _node('transform', root.TRANSFORMS, 'datasets.transforms')
METRICS = _node('metric', root.METRICS, 'evaluation')
FUNCTIONS = _node('function', root.FUNCTIONS, 'datasets')
HOOKS = _node('hook', root.HOOKS, 'engine.hooks')
OPTIMIZERS = _node('optimizer', root.OPTIMIZERS, 'engine.optimizers')
OPTIM_WRAPPERS = _node('optimizer wrapper', root.OPTIM_WRAPPERS, 'engine.optimizers')
OPTIM_WRAPPER_CONSTRUCTORS = _node('optimizer wrapper constructor',
                                   root.OPTIM_WRAPPER_CONSTRUCTORS, 'engine.optimizers')

# The other kinds have no parts of ours. With a node each, mmengine does not warn, at every
# optimizer and visualizer that a config of ours builds, that it does not know our scope.
for _top in [entry for entry in vars(root).values() if isinstance(entry, Registry)]:
    if 'mmviewpose' not in _top.children:
        _node(_top.name, _top)
