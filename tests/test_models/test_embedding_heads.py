import numpy as np
import pytest
import torch

from mmviewpose.errors import UserError
from mmviewpose.models import CanonicalPoseHead, EmbeddingHead
from mmviewpose.skeletons import get_skeleton


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


# ---------------------------------------------------------------------------------------
# Embedding


@pytest.mark.parametrize('size, stride, side, pooled', [
    (224, 32, 7, 4), (256, 32, 8, 4), (64, 32, 2, 1), (48, 32, 2, 1), (48, 16, 3, 2),
    (32, 32, 1, 1)])
def test_the_map_of_any_size_is_halved_upwards(size, stride, side, pooled):
    head = EmbeddingHead(6, size, 5, stride)
    assert head.dense.in_features == 6 * pooled ** 2
    found = head(numbers(3, 6, side, side))
    assert found.shape == (3, 5)
    torch.testing.assert_close(found.norm(dim=-1), torch.ones(3))


def test_by_default_it_is_the_papers():
    head = EmbeddingHead()
    assert (head.dense.in_features, head.dense.out_features) == (512 * 4 * 4, 128)


def test_the_embedding_by_hand():
    """The last row and column of an odd map are cells of their own."""
    head, features = EmbeddingHead(2, 96, 4, 32).double(), numbers(3, 2, 3, 3).double()
    weight, bias = head.dense.weight.detach().numpy(), head.dense.bias.detach().numpy()
    for found, cells in zip(head(features).detach().numpy(), features.numpy()):
        pooled = [max(cells[c, y, x] for y in ys for x in xs) for c in range(2)
                  for ys in ((0, 1), (2,)) for xs in ((0, 1), (2,))]
        code = weight @ pooled + bias
        np.testing.assert_allclose(found, code / np.sqrt(sum(code ** 2)), rtol=1e-12)


def test_batch_normalisation_before_the_division():
    plain, head = EmbeddingHead(4, 64), EmbeddingHead(4, 64, batch_norm=True)
    assert not plain.norm.state_dict() and not list(head.norm.parameters())
    head.dense.load_state_dict(plain.dense.state_dict())
    features = numbers(20, 4, 2, 2) + 30  # the images have most in common
    assert torch.pdist(plain(features)).max() < .1
    codes = head.dense(head.pool(features).flatten(1))
    codes = (codes - codes.mean(0)) / codes.std(0, unbiased=False)
    expected = codes / codes.norm(dim=-1, keepdim=True)
    torch.testing.assert_close(head(features), expected, atol=5e-3, rtol=0)
    assert torch.pdist(expected).median() > 1.
    for _ in range(200):
        head(features)
    # in evaluation by what training saw, however few images there are
    torch.testing.assert_close(head.eval()(features[:1]), expected[:1], atol=.05, rtol=0)


def test_images_of_another_size_are_refused():
    with pytest.raises(ValueError, match='images of 64 px have a map of 2x2, got 7x7'):
        EmbeddingHead(4, 64)(numbers(1, 4, 7, 7))


# ---------------------------------------------------------------------------------------
# Poses


@pytest.mark.parametrize('layout', ['h36m17', 'ape17', 'mpi_inf_3dhp17', 'nucla20'])
def test_poses_come_back_and_the_root_is_0(layout):
    skeleton = get_skeleton(layout)
    root = skeleton.root
    head = CanonicalPoseHead(8, layout)
    poses = 200 * numbers(50, skeleton.num_joints, 3) + 90
    poses = poses - poses[:, root, None]
    head.set_statistics(poses.mean(0), poses.std(0))
    wanted = head.normalise(poses)
    assert wanted.shape == (50, skeleton.num_joints - 1, 3)
    torch.testing.assert_close(wanted.mean(0), torch.zeros(*wanted.shape[1:]), atol=1e-5, rtol=0)
    torch.testing.assert_close(wanted.std(0), torch.ones(*wanted.shape[1:]))
    head.forward = lambda embeddings: wanted
    found = head.predict(numbers(50, 8))
    torch.testing.assert_close(found, poses, atol=1e-3, rtol=1e-5)
    assert (found[:, root] == 0).all()


def test_two_layers_of_128_and_48_units_by_default():
    head = CanonicalPoseHead()
    assert [tuple(parameter.shape) for parameter in head.parameters()] == [
        (128, 128), (128,), (48, 128), (48,)]
    assert [tuple(p.shape) for p in CanonicalPoseHead(hidden=()).parameters()] == [
        (48, 128), (48,)]
    assert head(numbers(5, 128)).shape == (5, 16, 3)
    assert CanonicalPoseHead(hidden=())(numbers(5, 128)).shape == (5, 16, 3)


def test_the_prediction_by_hand():
    head = CanonicalPoseHead(3, 'ape17', hidden=(4,)).double()
    mean, std = 100 * numbers(17, 3, seed=1), 50 + numbers(17, 3, seed=2).abs()
    head.set_statistics(mean, std)
    (w1, b1, w2, b2), codes = (p.detach().numpy() for p in head.parameters()), numbers(6, 3)
    for found, code in zip(head.predict(codes.double()).detach().numpy(), codes.double().numpy()):
        out = (w2 @ np.maximum(w1 @ (3 ** .5 * code) + b1, 0) + b2).reshape(16, 3)
        np.testing.assert_allclose(found[1:], out * std[1:].numpy() + mean[1:].numpy(), rtol=1e-9)


def test_a_coordinate_that_does_not_vary_is_not_blown_up():
    head, poses = CanonicalPoseHead(8), 100 * numbers(20, 17, 3)
    poses[:, 0] = 0.
    poses[:, 4, 2] = 1e-5 * numbers(20)  # left over of turning the left hip's z to 0
    head.set_statistics(poses.mean(0), poses.std(0))
    assert head.knows_statistics
    assert head.std[3, 2] == 1. and (head.std > 0).all()
    assert head.normalise(poses)[:, 3, 2].abs().max() < 1e-4


def test_statistics_are_kept_by_a_checkpoint():
    first, second = CanonicalPoseHead(8), CanonicalPoseHead(8)
    assert not second.knows_statistics
    with pytest.raises(UserError, match='does not know mean and deviation of poses.*'
                                        'PoseStatisticsHook.*checkpoint'):
        second.predict(numbers(2, 8))
    first.set_statistics(numbers(17, 3), 5 + numbers(17, 3).abs())
    second.load_state_dict(first.state_dict())
    assert second.knows_statistics
    torch.testing.assert_close(second.predict(numbers(2, 8)), first.predict(numbers(2, 8)))


@pytest.mark.parametrize('mean, std, name', [
    (torch.zeros(16, 3), torch.ones(16, 3), 'mean'), (torch.zeros(17, 3), torch.ones(17), 'std'),
    (torch.full((17, 3), float('nan')), torch.ones(17, 3), 'mean'),
    (torch.zeros(17, 3), torch.full((17, 3), float('inf')), 'std')])
def test_statistics_of_something_else_are_refused(mean, std, name):
    head = CanonicalPoseHead(8)
    with pytest.raises(ValueError, match=rf'{name} of poses must be \(17, 3\) and finite'):
        head.set_statistics(mean, std)
    assert not head.knows_statistics


def test_a_least_deviation_of_0_is_refused():
    with pytest.raises(ValueError, match='min_std must be above 0, got 0'):
        CanonicalPoseHead(min_std=0)
