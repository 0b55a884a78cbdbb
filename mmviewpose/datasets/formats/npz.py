"""The project's own .npz files: no pickles, a word ``format``, written whole or not at all.

And what their readers and writers share beside it.
"""
import zipfile
from typing import Dict, Mapping, Optional, Sequence, Tuple

import numpy as np

from mmviewpose.errors import DatasetError
from mmviewpose.files import atomic_path

from .clip import PathLike

Arrays = Dict[str, np.ndarray]
_LABEL = 'label_'


def write_npz(path: PathLike, format: str, arrays: Mapping[str, np.ndarray],
              labels: Optional[Mapping[str, np.ndarray]] = None) -> None:
    """Write arrays, labels as ``label_KEY`` and the word ``format``; the file appears whole or not
    at all.

    Raises:
        DatasetError: The file cannot be written.
    """
    try:
        with atomic_path(path) as temporary, open(temporary, 'wb') as out:
            np.savez(out, format=np.array(format), **arrays, **{
                _LABEL + key: value for key, value in (labels or {}).items()})
    except OSError as e:
        raise DatasetError(f'cannot be written ({e.strerror or e})', file=path) from e


def read_npz(path: PathLike, format: str, what: str) -> Tuple[Arrays, Arrays]:
    """The arrays and the labels of a file of ``write_npz``.

    Args:
        path: The file.
        format: The word that it must hold.
        what: What it holds, for messages: ``'archive of clips'``.

    Raises:
        DatasetError: The file is missing, truncated or of another format.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {key: data[key] for key in data.files}
    except FileNotFoundError as e:
        raise DatasetError('no such file', file=path) from e
    except (OSError, ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as e:
        raise DatasetError(f'not a readable {what}, or a truncated one ({e})', file=path) from e
    if str(arrays.pop('format', None)) != format:
        raise DatasetError(f'not an {what} ({format}); tools/dataset_converters writes them',
                           file=path)
    labels = {key[len(_LABEL):]: arrays.pop(key) for key in list(arrays)
              if key.startswith(_LABEL)}
    return arrays, labels


def read_npy(path: PathLike) -> np.ndarray:
    """The array of a .npy file.

    Raises:
        DatasetError: The file is missing, truncated or something else.
    """
    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError as e:
        raise DatasetError('no such file', file=path) from e
    except (OSError, ValueError, EOFError) as e:
        raise DatasetError(f'not a readable .npy, or a truncated one ({e})', file=path) from e
    if not isinstance(array, np.ndarray):
        raise DatasetError('an .npz, not an .npy', file=path)
    return array


def label_arrays(labels: Sequence[Mapping[str, object]]) -> Dict[str, np.ndarray]:
    """Labels of S sequences as an array ``(S,)`` each: int64, or text where one of them is; -1 or
    '' where a sequence has none."""
    out = {}
    for key in sorted({key for named in labels for key in named}):
        present = [named[key] for named in labels if key in named]
        if all(isinstance(value, (int, np.integer)) for value in present):
            out[key] = np.array([named.get(key, -1) for named in labels], dtype=np.int64)
        else:
            out[key] = np.array([str(named.get(key, '')) for named in labels])
    return out
