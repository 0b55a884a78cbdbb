"""Writing files whole or not at all."""
import json
from pathlib import Path
from typing import Any, Union

import numpy as np
import torch

from mmviewpose.files import atomic_path


def write_json(path: Union[str, Path], content: Any) -> None:
    """Write plain values, tensors and numpy numbers as JSON, whole or not at all."""
    text = json.dumps(content, indent=2, default=_plain) + '\n'
    with atomic_path(path) as temporary:
        Path(temporary).write_text(text)


def _plain(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic, torch.Tensor)):
        return value.tolist()
    raise TypeError(f'{type(value).__name__} does not go into JSON')
