from types import SimpleNamespace

import pytest
import torch
from torch import nn

pytest.importorskip('mmengine')

from mmengine.model import BaseModel  # noqa: E402
from mmengine.runner import Runner  # noqa: E402

from mmviewpose.engine.hooks import LossWeightHook  # noqa: E402
from mmviewpose.errors import UserError  # noqa: E402
from mmviewpose.models.losses import ViewReconstructionLoss  # noqa: E402


class Toy(BaseModel):
    """Keeps the weight of each step."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.part = nn.Module()
        self.part.loss = ViewReconstructionLoss(loss_weight=3.)
        self.switched_off = None
        self.seen = []

    def forward(self, inputs, mode='tensor'):
        self.seen.append(self.part.loss.loss_weight)
        images = torch.ones(1, 2, 3, 4, 4)
        return dict(loss=self.part.loss(self.scale * images, 2 * images))


def train(folder, hook, **options):
    model = Toy()
    data = [dict(inputs=torch.zeros(1))] * 5
    Runner(model=model, work_dir=str(folder),
           train_dataloader=dict(dataset=data, sampler=dict(type='DefaultSampler', shuffle=False),
                                 batch_size=1),
           train_cfg=dict(by_epoch=True, max_epochs=2),
           optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.)),
           custom_hooks=[hook], default_scope='mmviewpose', **options).train()
    assert model.part.loss.loss_weight == 3.
    return model.seen


def test_weights_of_a_run(tmp_path):
    hook = dict(type='LossWeightHook', loss='part.loss', factors=(1., .1), between=(.2, .6))
    seen = train(tmp_path, hook)
    factors = (1., 1., 1., .775, .55, .325, .1, .1, .1, .1)
    assert seen == pytest.approx([3 * factor for factor in factors])


def test_a_resumed_run_goes_on(tmp_path):
    hook = dict(type='LossWeightHook', loss='part.loss', factors=(0., 1.))
    whole = train(tmp_path / 'whole', hook)
    checkpoint = tmp_path / 'whole' / 'epoch_1.pth'
    rest = train(tmp_path / 'rest', hook, load_from=str(checkpoint), resume=True)
    assert whole == pytest.approx([.3 * step for step in range(10)])
    assert rest == whole[5:]


@pytest.mark.parametrize('name', ['other', 'switched_off', 'part', 'part.other.loss'])
def test_a_loss_that_is_not_there_is_named(name):
    hook = LossWeightHook(name, (1., 0.))
    with pytest.raises(UserError, match=f"Toy has no loss '{name}'.*switched off"):
        hook.before_train(SimpleNamespace(model=Toy()))


@pytest.mark.parametrize('between', [(.5, .5), (.6, .3), (-.1, 1.), (0., 1.1)])
def test_bad_points(between):
    with pytest.raises(ValueError, match='between must rise within 0 to 1'):
        LossWeightHook('part.loss', (1., 0.), between)
    with pytest.raises(ValueError, match='factors must be the first and the last'):
        LossWeightHook('part.loss', (1.,))
