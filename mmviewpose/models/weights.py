"""Loading the weights of a part of a model, strictly."""
import re
from pathlib import Path
from typing import Dict, Mapping

from mmengine.logging import print_log
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from mmviewpose.errors import UserError


def load_part(module: nn.Module, checkpoint: str, prefix: str = '') -> None:
    """Load the weights under ``prefix`` of a checkpoint into ``module``.

    mmengine's ``Pretrained`` initialisation loads what fits and logs the rest; a probe on a
    randomly initialised encoder would look like a bad method. Here every weight must be found.

    Args:
        module: Gets the weights.
        checkpoint: File or URL of an mmengine checkpoint or a bare state dict.
        prefix: Name of the part inside the checkpoint's model, with the dot at its end.

    Raises:
        UserError: No such file, not a checkpoint, or weights missing, left over or of another
            shape; the message counts them.
    """
    load_weights(module, read_weights(checkpoint), prefix, checkpoint)
    print_log(f'{type(module).__name__}: weights of {checkpoint}', logger='current')


def read_checkpoint(checkpoint: str) -> dict:
    """All that a checkpoint holds, read without running code from it.

    Raises:
        UserError: No such file, or not a checkpoint.
    """
    if '://' not in checkpoint and not Path(checkpoint).is_file():
        raise UserError(f'checkpoint not found: {checkpoint}')
    try:
        loaded = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    except Exception as error:  # a damaged file can raise anything
        reason = re.split(r'[\n.]', str(error).strip())[0]
        raise UserError(f'{checkpoint} is not a readable checkpoint '
                        f'({type(error).__name__}: {reason})') from error
    if not isinstance(loaded, dict):
        raise UserError(f'{checkpoint} is not a checkpoint')
    return loaded


def read_weights(checkpoint: str) -> Dict[str, Tensor]:
    """The state dict of a checkpoint of mmengine, or a bare one.

    Raises:
        UserError: No such file, or not a checkpoint.
    """
    loaded = read_checkpoint(checkpoint)
    weights = loaded.get('state_dict', loaded)
    if not isinstance(weights, dict):
        raise UserError(f'{checkpoint} is not a checkpoint')
    return weights


def load_weights(module: nn.Module, weights: Mapping[str, Tensor], prefix: str,
                 origin: str) -> None:
    """Load the weights under ``prefix`` of a state dict into ``module``; ``origin`` is what the
    error calls it.

    Raises:
        UserError: As :func:`load_part`.
    """
    weights = {key[len(prefix):]: value for key, value in weights.items()
               if key.startswith(prefix)}
    own = module.state_dict()
    wrong = [f'{len(found)} {what} (first: {sorted(found)[0]})' for what, found in (
        ('missing', own.keys() - weights.keys()),
        ('unexpected', weights.keys() - own.keys()),
        ('of another shape', {key for key in own.keys() & weights.keys()
                              if own[key].shape != weights[key].shape})) if found]
    if wrong:
        raise UserError(f"{origin} is not a checkpoint of this {type(module).__name__}: "
                        f"weights {', '.join(wrong)}")
    module.load_state_dict(weights)
