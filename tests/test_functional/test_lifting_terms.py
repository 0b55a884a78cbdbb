import numpy as np
import pytest
import torch

from mmviewpose.functional import reprojection_loss, scale_loss, velocity_loss

SHAPE = (2, 4, 5)  # B, T, K


@pytest.fixture
def sequences():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, *SHAPE, 3, dtype=torch.float64, generator=generator).unbind(0)


@pytest.fixture
def weight():
    generator = torch.Generator().manual_seed(1)
    weight = torch.rand(SHAPE, dtype=torch.float64, generator=generator)
    return weight * (weight > 0.3)


def velocities(pred, target, weight):
    """Distance and weight of each displacement, in loops."""
    for b, t, k in np.ndindex(SHAPE[0], SHAPE[1] - 1, SHAPE[2]):
        step = pred[b, t + 1, k] - pred[b, t, k] - target[b, t + 1, k] + target[b, t, k]
        yield np.sqrt((step**2).sum()), weight[b, t, k] * weight[b, t + 1, k]


def scaled(pred, target, weight, per_frame=True):
    """Distance and weight of each joint after the scale that ``lstsq`` finds."""
    for b in range(SHAPE[0]):
        parts = [[t] for t in range(SHAPE[1])] if per_frame else [list(range(SHAPE[1]))]
        for part in parts:
            x, y, w = pred[b, part], target[b, part], weight[b, part]
            root = np.sqrt(w)[..., None]
            scale, = np.linalg.lstsq((root * x).reshape(-1, 1), (root * y).ravel(), rcond=None)[0]
            yield from zip(np.sqrt(((scale * x - y)**2).sum(-1)).ravel(), w.ravel())


def image_distances(pred, target, weight):
    for place in np.ndindex(SHAPE):
        yield np.hypot(*(pred[place][:2] - target[place][:2])), weight[place]


LOSSES = {
    'velocity': (velocity_loss, velocities, (2, 3, 5)),
    'scale': (scale_loss, scaled, SHAPE),
    'scale of a sequence': (
        lambda *given, **options: scale_loss(*given, per_frame=False, **options),
        lambda *given: scaled(*given, per_frame=False), SHAPE),
    'reprojection': (reprojection_loss, image_distances, SHAPE),
}
each = pytest.mark.parametrize('loss, reference, shape', LOSSES.values(), ids=list(LOSSES))


@each
@pytest.mark.parametrize('weighted', [False, True])
def test_against_loops(loss, reference, shape, weighted, sequences, weight):
    weight = weight if weighted else None
    factors = np.ones(SHAPE) if weight is None else weight.numpy()
    found = np.array(list(reference(*(value.numpy() for value in sequences), factors)))
    expected = found.prod(1)
    assert loss(*sequences, weight).item() == pytest.approx(expected.sum() / found[:, 1].sum())
    assert loss(*sequences, weight, reduction='sum').item() == pytest.approx(expected.sum())
    np.testing.assert_allclose(loss(*sequences, weight, reduction='none'), expected.reshape(shape),
                               atol=1e-12)


@each
def test_gradcheck(loss, reference, shape, sequences, weight):
    pred, target = sequences[0].clone().requires_grad_(), sequences[1]
    for given in (None, weight):
        assert torch.autograd.gradcheck(lambda x: loss(x, target, given), pred)


@each
def test_an_exact_prediction_costs_nothing_and_has_no_slope(loss, reference, shape, sequences):
    pred = sequences[0].clone().requires_grad_()
    value = loss(pred, sequences[0])
    value.backward()
    assert value < 1e-12 and pred.grad.isfinite().all()
    if loss is not scale_loss and 'scale' not in reference.__name__:
        assert not pred.grad.any()


@each
def test_what_has_no_weight_may_be_nan(loss, reference, shape, sequences, weight):
    expected = loss(*sequences, weight)
    pred, target = (value.clone() for value in sequences)
    pred[weight == 0] = float('nan')
    target[weight == 0] = float('inf')
    pred.requires_grad_()
    value = loss(pred, target, weight)
    value.backward()
    torch.testing.assert_close(value, expected)
    assert pred.grad.isfinite().all() and not pred.grad[weight == 0].any()


@each
def test_where_nothing_counts_it_is_zero(loss, reference, shape, sequences):
    pred = torch.full_like(sequences[0], float('nan')).requires_grad_()
    value = loss(pred, sequences[1], torch.zeros(SHAPE, dtype=torch.float64))
    value.backward()
    assert value == 0 and not pred.grad.any()


@each
def test_masks_and_weights_that_broadcast(loss, reference, shape, sequences):
    mask = torch.tensor([True, False, True, True, True])
    spread = mask.expand(SHAPE).double()
    torch.testing.assert_close(loss(*sequences, mask), loss(*sequences, spread))


def test_a_velocity_does_not_see_a_place_nor_a_scale_loss_a_size(sequences):
    pred, target = sequences
    torch.testing.assert_close(velocity_loss(pred + 7, target), velocity_loss(pred, target))
    for per_frame in (True, False):
        found = scale_loss(3 * pred, target, per_frame=per_frame)
        torch.testing.assert_close(found, scale_loss(pred, target, per_frame=per_frame))
    sizes = torch.tensor([1., 2., 3., 4.], dtype=torch.float64)[:, None, None]
    assert scale_loss(sizes * target, target) < 1e-12
    assert scale_loss(sizes * target, target, per_frame=False) > 0.1


def test_a_collapsed_pose_stays_and_has_no_slope(sequences):
    pred, target = sequences[0].clone(), sequences[1]
    pred[0, 1] = 0
    pred.requires_grad_()
    found = scale_loss(pred, target, reduction='none')
    found.sum().backward()
    torch.testing.assert_close(found[0, 1], target[0, 1].norm(dim=-1))
    assert pred.grad.isfinite().all() and not pred.grad[0, 1].any()


def test_depth_does_not_count_in_the_image(sequences):
    pred, target = sequences
    expected = reprojection_loss(pred[..., :2], target[..., :2])
    torch.testing.assert_close(reprojection_loss(pred, target), expected)
    torch.testing.assert_close(reprojection_loss(pred, target[..., :2]), expected)


def test_what_does_not_fit(sequences):
    pred, target = sequences
    with pytest.raises(ValueError, match=r'T >= 2, got \(2, 1, 5, 3\)'):
        velocity_loss(pred[:, :1], target[:, :1])
    with pytest.raises(ValueError, match=r'velocities need .*got \(5, 3\)'):
        velocity_loss(pred[0, 0], target[0, 0])
    with pytest.raises(ValueError, match=r'a sequence needs .*got \(5, 3\)'):
        scale_loss(pred[0, 0], target[0, 0], per_frame=False)
    for loss in (velocity_loss, scale_loss, reprojection_loss):
        with pytest.raises(ValueError, match='reduction must be'):
            loss(pred, target, reduction='median')
        for shape in ((2, 4, 6), (3, 4, 5), (7, 2, 4, 5)):
            with pytest.raises(ValueError, match=r'weights \(\d, .* do not fit poses \(2, '):
                loss(pred, target, torch.ones(shape))
