from types import SimpleNamespace

import pytest
import torch
from torch import nn

pytest.importorskip('mmengine')

from mmengine.model import BaseModel, MMDistributedDataParallel  # noqa: E402
from mmengine.registry import DefaultScope  # noqa: E402
from mmengine.runner import Runner  # noqa: E402
from torch.utils.data import Dataset  # noqa: E402

from mmviewpose.engine.hooks import PoseStatisticsHook  # noqa: E402
from mmviewpose.errors import UserError  # noqa: E402
from mmviewpose.models import CanonicalPoseHead  # noqa: E402

MEAN, STD = torch.full((17, 3), 7.), torch.full((17, 3), 20.)


class Poses(Dataset):
    """A data set that knows its poses."""
    metainfo = dict(skeleton='h36m17')

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return dict(inputs=torch.ones(8))

    def pose_statistics(self):
        return MEAN, STD


class Toy(BaseModel):
    def __init__(self):
        super().__init__()
        self.pose_head = CanonicalPoseHead(8)

    @property
    def wants_statistics(self):
        return not self.pose_head.knows_statistics

    def set_statistics(self, mean, std):
        self.pose_head.set_statistics(mean, std)

    def forward(self, inputs, mode='tensor'):
        self.pose_head.check_statistics()
        return dict(loss=self.pose_head(inputs).square().mean())


def runner(model, dataset=None):
    return SimpleNamespace(model=model, train_dataloader=SimpleNamespace(
        dataset=Poses() if dataset is None else dataset))


def test_the_model_is_told_once():
    model = Toy()
    PoseStatisticsHook().before_train(runner(model))
    assert torch.equal(model.pose_head.mean, MEAN[1:]) and torch.equal(model.pose_head.std, STD[1:])
    model.set_statistics(MEAN + 1, STD)  # as from a checkpoint
    PoseStatisticsHook().before_train(runner(model))
    assert torch.equal(model.pose_head.mean, MEAN[1:] + 1)


def test_through_the_wrapper_of_distributed_training(tmp_path):
    torch.distributed.init_process_group('gloo', init_method=f'file://{tmp_path}/store',
                                         rank=0, world_size=1)
    try:
        model = MMDistributedDataParallel(Toy())
        PoseStatisticsHook().before_train(runner(model))
        assert torch.equal(model.module.pose_head.std, STD[1:])
    finally:
        torch.distributed.destroy_process_group()


def test_what_has_no_statistics_is_named():
    with pytest.raises(UserError, match='the training data set, list, has no pose_statistics'):
        PoseStatisticsHook().before_train(runner(Toy(), dataset=[1]))
    with pytest.raises(UserError, match='Linear takes no statistics of poses; leave the hook out'):
        PoseStatisticsHook().before_train(runner(nn.Linear(1, 1)))


def test_a_run_and_a_resumed_one(tmp_path):
    """A resumed run keeps those of its checkpoint."""
    loader = dict(batch_size=1, dataset=Poses(), sampler=dict(type='DefaultSampler'),
                  collate_fn=dict(type='default_collate'))

    def run(epochs, **options):
        with DefaultScope.overwrite_default_scope('mmviewpose'):
            built = Runner(Toy(), str(tmp_path), loader, train_cfg=dict(
                by_epoch=True, max_epochs=epochs), optim_wrapper=dict(optimizer=dict(
                    type='SGD', lr=.1)), custom_hooks=[dict(type='mmviewpose.PoseStatisticsHook')],
                default_hooks=dict(logger=None), experiment_name=f'run{epochs}', **options)
            built.train()
        return built.model.pose_head

    assert torch.equal(run(1).mean, MEAN[1:])
    Poses.pose_statistics = lambda self: (MEAN + 5, STD)
    assert torch.equal(run(2, resume=True).mean, MEAN[1:])
