"""Pose encoders in files of their own: weights and config, no code, no optimizer.

Such a file is ``dict(format, encoder, state_dict)``: the encoder's config as plain values and its
weights under the prefix ``encoder.``, so that it also serves as ``checkpoint`` of an ``init_cfg``.
"""
import ast
from pathlib import Path
from typing import Any, Optional, Union

import torch
from mmengine.config import Config

from mmviewpose.engine.errors import UserError
from mmviewpose.files import atomic_path
from mmviewpose.models.backbones.sebirenet_encoder import SeBiReNetEncoder
from mmviewpose.models.weights import load_weights, read_checkpoint
from mmviewpose.registry import MODELS

FORMAT = 'mmviewpose-encoder-1'
PREFIX = 'encoder.'
PACKAGED = Path(__file__).parents[1] / 'weights' / 'sebirenet.pth'

PathLike = Union[str, Path]


def load_encoder(checkpoint: Optional[PathLike] = None) -> SeBiReNetEncoder:
    """The encoder of an exported file, in evaluation mode on the CPU.

    Args:
        checkpoint: A file that :func:`export_encoder` wrote; by default the one that ships with
            the package.

    Raises:
        UserError: The file is missing, broken or not an exported encoder.
        RuntimeError: Its weights are not those of its config.
    """
    path = Path(PACKAGED if checkpoint is None else checkpoint)
    content = _read(path)
    if content.get('format') != FORMAT:
        raise UserError(f'{path} is not an exported encoder; tools/analysis/export_encoder.py '
                        'makes one of a training checkpoint')
    encoder = MODELS.build(content['encoder'])
    load_weights(encoder, content['state_dict'], PREFIX, str(path))
    return encoder.requires_grad_(False).eval()


def export_encoder(checkpoint: PathLike, out: PathLike, config: Optional[PathLike] = None,
                   half: bool = False) -> None:
    """Take the encoder out of a training checkpoint into a small file.

    Args:
        checkpoint: Checkpoint of a model with an ``encoder``, as the Runner saves it.
        out: File to write, whole or not at all.
        config: Config of that model; by default the one kept in the checkpoint.
        half: Store the weights in half precision.

    Raises:
        UserError: The checkpoint is missing or broken, or has no encoder of that config.
    """
    content = _read(Path(checkpoint))
    model = Config.fromfile(str(config)).model.to_dict() if config else _kept_model(content)
    if not isinstance(model, dict) or 'encoder' not in model:
        raise UserError(f'{checkpoint} does not hold the config of a model with an encoder; '
                        'give --config')
    settings = {key: value for key, value in model['encoder'].items() if key != 'init_cfg'}
    weights = {key: value.half() if half and value.is_floating_point() else value.clone()
               for key, value in content.get('state_dict', {}).items() if key.startswith(PREFIX)}
    with atomic_path(out) as temporary:
        torch.save(dict(format=FORMAT, encoder=settings, state_dict=weights), temporary)
        try:
            load_encoder(temporary)
        except RuntimeError as error:
            raise UserError(str(error).replace(temporary, str(checkpoint))) from error


def _read(path: Path) -> dict:
    if path == PACKAGED and not path.is_file():
        raise UserError(f'encoder not found: {path}')
    return read_checkpoint(str(path))


def _kept_model(content: dict) -> Any:
    """``model`` of the config text that the Runner keeps in a checkpoint, without running it."""
    text = (content.get('meta') or {}).get('cfg')
    for node in ast.parse(text).body if isinstance(text, str) else ():
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', None) == 'model':
            return _plain(node.value)
    return None


def _plain(node: ast.expr) -> Any:
    """Value of an expression made of literals and ``dict(...)``; None for anything else."""
    if isinstance(node, ast.Call) and getattr(node.func, 'id', None) == 'dict':
        return {part.arg: _plain(part.value) for part in node.keywords}
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_plain(part) for part in node.elts]
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None
