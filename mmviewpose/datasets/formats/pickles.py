"""Reading the pickles that other projects publish.

A pickle can run code when it is read. Only plain containers, numbers and NumPy arrays are let
through here, which stops the known ways; still, read only pickles whose source you trust.
"""
import importlib
import pickle
from typing import Any

from mmviewpose.errors import DatasetError

from .clip import PathLike

_ALLOWED = {
    ('numpy', 'ndarray'), ('numpy', 'dtype'), ('_codecs', 'encode'),
    ('builtins', 'set'), ('builtins', 'frozenset'), ('builtins', 'slice'),
    ('builtins', 'bytearray'), ('builtins', 'complex'), ('builtins', 'range'),
    ('collections', 'OrderedDict'),
    *((f'numpy.{core}.{module}', name) for core in ('core', '_core')
      for module, name in (('multiarray', '_reconstruct'), ('multiarray', 'scalar'),
                           ('numeric', '_frombuffer'))),
}


class _PlainUnpickler(pickle.Unpickler):

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f'it wants {module}.{name}, which is not plain data')
        # numpy.core became numpy._core in NumPy 2; either may have written the file.
        for candidate in (module.replace('numpy.core.', 'numpy._core.'),
                          module.replace('numpy._core.', 'numpy.core.')):
            try:
                return getattr(importlib.import_module(candidate), name)
            except (ImportError, AttributeError):
                continue
        raise pickle.UnpicklingError(f'this NumPy has no {module}.{name}')


def read_pickle(path: PathLike) -> Any:
    """The plain data of a pickle file.

    Raises:
        DatasetError: Missing, truncated, not a pickle, or it holds more than plain data.
    """
    try:
        with open(path, 'rb') as file:
            return _PlainUnpickler(file).load()
    except OSError as e:
        raise DatasetError(f'cannot be read ({e.strerror or e})', file=path) from e
    except Exception as e:  # a damaged pickle can raise anything
        raise DatasetError(f'not a readable pickle of plain data ({e})', file=path) from e
