"""Loading the weights of a part of a model, strictly."""
from typing import Mapping

from mmengine.logging import print_log
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn


def load_part(module: nn.Module, checkpoint: str, prefix: str = '') -> None:
    """Load the weights under ``prefix`` of a checkpoint into ``module``.

    mmengine's ``Pretrained`` initialisation loads what fits and logs the rest; a probe on a
    randomly initialised encoder would look like a bad method. Here every weight must be found.

    Args:
        module: Gets the weights.
        checkpoint: File or URL of an mmengine checkpoint or a bare state dict.
        prefix: Name of the part inside the checkpoint's model, with the dot at its end.

    Raises:
        RuntimeError: Weights missing, left over or of another shape; the message counts them.
    """
    loaded = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    load_weights(module, loaded.get('state_dict', loaded), prefix, checkpoint)
    print_log(f'{type(module).__name__}: weights of {checkpoint}', logger='current')


def load_weights(module: nn.Module, weights: Mapping[str, Tensor], prefix: str,
                 origin: str) -> None:
    """Load the weights under ``prefix`` of a state dict into ``module``; ``origin`` is what the
    error calls it.

    Raises:
        RuntimeError: As :func:`load_part`.
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
        raise RuntimeError(f"{origin} is not a checkpoint of this {type(module).__name__}: "
                           f"weights {', '.join(wrong)}")
    module.load_state_dict(weights)
