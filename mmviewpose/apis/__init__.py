"""Using trained models from Python, without configs and runners."""
from importlib import import_module

_HOMES = dict(pose_features='features', export_encoder='encoder', load_encoder='encoder',
              lift_recording='lifter', load_lifter='lifter')

__all__ = ['export_encoder', 'lift_recording', 'load_encoder', 'load_lifter', 'pose_features']


def __getattr__(name: str):
    # Late, so that `python -m mmviewpose.apis.features` does not find itself imported already.
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_HOMES[name]}'), name)
