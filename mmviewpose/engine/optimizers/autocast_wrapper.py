"""Mixed precision where mmengine has none: on CPUs."""
import contextlib

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmviewpose.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Computes losses in bfloat16 where torch's autocast finds that safe; weights stay float32.

    mmengine's ``AmpOptimWrapper`` wants a GPU. On CPUs with instructions for bfloat16 (AVX512-BF16,
    AMX) convolutions are almost twice as fast; on others this works and gains nothing. bfloat16 has
    float32's range, so that losses need no scaling. Evaluation is in float32. mmaction2's heads
    cannot be trained so: they hand their scores to numpy, which has no bfloat16.

    Args:
        **kwargs: As for mmengine's ``OptimWrapper``.
    """

    @contextlib.contextmanager
    def optim_context(self, model: nn.Module):
        """The context of a forward pass in training."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, torch.bfloat16):
            yield
