import logging
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from two_ranks import run_on_two_ranks

pytest.importorskip('mmengine')

from mmengine.model import BaseModel  # noqa: E402
from mmengine.runner import Runner  # noqa: E402

from mmviewpose.datasets.datasets.array_dataset import ArrayDataset  # noqa: E402
from mmviewpose.engine.hooks import EraseViewsHook  # noqa: E402
from mmviewpose.errors import UserError  # noqa: E402
from mmviewpose.functional import linear_probe_accuracy  # noqa: E402
from mmviewpose.layers.view_autoencoder import as_images  # noqa: E402

SIZE, MOMENTS = 16, 96


def two_views(flip=True, cameras=2):
    """Images of moments; the second camera's are brighter at the left, so that both it and what is
    mirrored can be told, a third one's at the top."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(120, (MOMENTS, cameras, 3, SIZE, SIZE), generator=generator)
    images[:, 1, :, :, :SIZE // 2] += 100
    images[:, 2:, :, :SIZE // 2] += 100
    camera = torch.arange(cameras).repeat(MOMENTS, 1)
    if cameras > 2:  # two of them at random, as for cross-subject training
        chosen = torch.rand(MOMENTS, cameras, generator=generator).argsort(1)[:, :2]
        images = images[torch.arange(MOMENTS)[:, None], chosen]
        camera = chosen
    pipeline = [dict(type='FlipImages')] * flip + [dict(type='ShiftImages'), dict(
        type='PackImages', keys=('images', 'shifted'))]
    return ArrayDataset(dict(images=images.byte(), camera=camera), pipeline=pipeline)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.output = nn.Linear(3 * SIZE**2, 64), nn.Linear(64, 12)

    def forward(self, images):
        return self.output(self.first(images.flatten(1) - .5).relu()).unflatten(1, (4, 3))


class Toy(BaseModel):
    def __init__(self):
        super().__init__()
        self.pose_encoder = Encoder()

    def forward(self, inputs, data_samples=None, mode='tensor'):
        if mode == 'tensor':
            return self.pose_encoder(as_images(inputs))
        return dict(loss=self.pose_encoder(as_images(inputs['images'][:, 0])).square().mean())


def train(folder, dataset, hook, train_cfg=dict(by_epoch=True, max_epochs=2)):
    torch.manual_seed(0)
    model = Toy()
    loader = dict(dataset=dataset, batch_size=32, num_workers=0,
                  sampler=dict(type='DefaultSampler', shuffle=True),
                  batch_sampler=dict(type='ArrayBatchSampler'),
                  collate_fn=dict(type='mmviewpose.identity_collate'))
    Runner(model=model, work_dir=str(folder), train_dataloader=loader,
           optim_wrapper=dict(optimizer=dict(type='SGD', lr=1e-3)), custom_hooks=[hook],
           default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1)),
           default_scope='mmviewpose', randomness=dict(seed=0),
           train_cfg=train_cfg).train()
    return model


@torch.no_grad()
def means(encoder, images):
    """Mean pose of each view, ``(V, 12)``, in the deviation over all images."""
    found = encoder(as_images(images.flatten(0, 1))).flatten(1)
    found = (found - found.mean(0)) / found.std(0)
    return found.unflatten(0, images.shape[:2]).mean(0)


def test_the_mean_pose_of_all_views_and_mirrored_ones_is_one(tmp_path):
    data = two_views()
    before = train(tmp_path / 'without', data, dict(type='EmptyCacheHook')).eval()
    after = train(tmp_path / 'with', data, dict(type='EraseViewsHook')).eval()
    images = data.arrays['images']
    shown = torch.cat([images, images.flip(-1)], 1)
    assert means(before.pose_encoder, shown).abs().max() > .3
    assert means(after.pose_encoder, shown).abs().max() < 1e-3
    assert torch.equal(after.pose_encoder.first.weight, before.pose_encoder.first.weight)


@pytest.mark.parametrize('cameras', [2, 3])
def test_no_probe_finds_the_view_then(cameras, tmp_path):
    data = two_views(cameras=cameras)
    found = {}
    for kind in ('EmptyCacheHook', 'EraseViewsHook'):
        model = train(tmp_path / kind, data, dict(type=kind)).eval()
        with torch.no_grad():
            poses = model(data.arrays['images'].flatten(0, 1)).flatten(1)
        views = data.arrays['camera'].flatten()
        found[kind] = linear_probe_accuracy(poses, views, poses, views)
    assert found['EmptyCacheHook'] > .9
    assert found['EraseViewsHook'] == pytest.approx(1 / cameras, abs=.1)


def test_a_run_is_the_same_but_for_the_last_layer(tmp_path):
    """Neither the data's order nor other random numbers change."""
    data, after = two_views(), {}
    for kind in ('EmptyCacheHook', 'EraseViewsHook'):
        train(tmp_path / kind, data, dict(type=kind))
        after[kind] = torch.rand(3)
    assert torch.equal(*after.values())


def test_without_flips_the_views_alone(tmp_path):
    data = two_views(flip=False)
    model = train(tmp_path, data, dict(type='EraseViewsHook', moments=50)).eval()
    assert len(model.pose_encoder.output.weight) == 12
    images = data.arrays['images']
    assert means(model.pose_encoder, images[torch.linspace(0, MOMENTS - 1, 50).long()]
                 ).abs().max() < 1e-3


def test_only_the_last_checkpoint_has_it(tmp_path):
    train(tmp_path / 'with', two_views(), dict(type='EraseViewsHook'))
    train(tmp_path / 'without', two_views(), dict(type='EmptyCacheHook'))

    def weight(folder, epoch):
        checkpoint = torch.load(tmp_path / folder / f'epoch_{epoch}.pth', weights_only=False)
        return checkpoint['state_dict']['pose_encoder.output.weight']
    assert torch.equal(weight('with', 1), weight('without', 1))
    assert not torch.allclose(weight('with', 2), weight('without', 2))


def erase_with_other_statistics():
    from mmengine.dist import get_rank
    torch.manual_seed(0)
    model = Toy()
    model.register_buffer('shift', torch.tensor(.2 * get_rank()))
    forward = model.forward
    model.forward = lambda images: forward(images) + model.shift
    EraseViewsHook().after_train_epoch(SimpleNamespace(
        model=model, epoch=0, max_epochs=1, logger=logging.getLogger(),
        train_dataloader=SimpleNamespace(dataset=two_views())))
    return [part.double().sum().item() for part in model.state_dict().values()]


def test_two_ranks_end_alike(tmp_path):
    first, second = run_on_two_ranks(erase_with_other_statistics, tmp_path)
    assert first == second


def test_what_it_cannot_work_on(tmp_path):
    class Other(nn.Module):
        pose_encoder = nn.Identity()

    def check(model, dataset):
        EraseViewsHook().before_train(SimpleNamespace(
            model=model, train_loop=None, train_dataloader=SimpleNamespace(dataset=dataset)))

    check(Toy(), two_views())
    with pytest.raises(UserError, match='Other has no pose_encoder whose output is a dense layer'):
        check(Other(), two_views())
    unbiased = Toy()
    unbiased.pose_encoder.output = nn.Linear(64, 12, bias=False)
    with pytest.raises(UserError, match='with a bias'):
        check(unbiased, two_views())
    with pytest.raises(UserError, match='list, gives no images of moments'):
        check(Toy(), [1])
    one = two_views(flip=False)
    one.arrays = {key: value[:, :1] for key, value in one.arrays.items()}
    with pytest.raises(UserError, match='one view alone'):
        check(Toy(), one)
    with pytest.raises(UserError, match='train by epochs'):
        train(tmp_path, two_views(), dict(type='EraseViewsHook'),
              train_cfg=dict(type='IterBasedTrainLoop', max_iters=2))
