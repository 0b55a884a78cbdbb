import pytest
import torch
from torch import nn

pytest.importorskip('mmengine')

from mmengine.model import BaseModel  # noqa: E402
from mmengine.optim import build_optim_wrapper  # noqa: E402
from mmengine.registry import DefaultScope  # noqa: E402


class Toy(BaseModel):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 1)
        self.kinds = []

    def forward(self, inputs, data_samples=None, mode='tensor'):
        out = self.layer(inputs)
        self.kinds.append(out.dtype)
        return dict(loss=out.square().mean()) if mode == 'loss' else out


@pytest.mark.parametrize('scope, name', [('mmviewpose', 'BFloat16OptimWrapper'),
                                         ('mmpose', 'mmviewpose.BFloat16OptimWrapper')])
def test_training_is_in_bfloat16_and_weights_are_not(scope, name):
    model = Toy()
    with DefaultScope.overwrite_default_scope(scope):
        wrapper = build_optim_wrapper(model, dict(
            type=name, optimizer=dict(type='SGD', lr=.1), accumulative_counts=2))
    before = model.layer.weight.detach().clone()
    batch = dict(inputs=torch.randn(8, 4))
    for _ in range(2):
        model.train_step(batch, wrapper)
    assert model.kinds == [torch.bfloat16] * 2
    assert model.layer.weight.dtype == torch.float32
    assert not torch.equal(model.layer.weight, before)
    model.val_step(batch)
    assert model.kinds[-1] == torch.float32


def test_a_step_is_near_that_of_float32():
    steps = []
    for kind in ('OptimWrapper', 'mmviewpose.BFloat16OptimWrapper'):
        torch.manual_seed(0)
        model, batch = Toy(), dict(inputs=torch.randn(64, 4))
        wrapper = build_optim_wrapper(model, dict(type=kind, optimizer=dict(type='SGD', lr=1.)))
        before = model.layer.weight.detach().clone()
        model.train_step(batch, wrapper)
        steps.append(model.layer.weight.detach() - before)
    torch.testing.assert_close(steps[1], steps[0], rtol=.03, atol=.01)
    assert not torch.equal(*steps)
