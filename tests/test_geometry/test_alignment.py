import numpy as np
import pytest
import torch

from mmviewpose.geometry import (align, aligned_distances, random_rotations, rotate,
                                 similarity_transform)
from mmviewpose.geometry.alignment import _OptimalRotation

K = 17


def draw(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64,
                       generator=torch.Generator().manual_seed(seed))


def reference(source, target, weight=None, with_scale=True, allow_reflection=False):
    """One pair of point sets, by the textbook (Umeyama 1991) in numpy."""
    weight = np.ones(len(source)) if weight is None else weight
    weight = weight / weight.sum()
    source_mean, target_mean = weight @ source, weight @ target
    a, b = source - source_mean, target - target_mean
    u, s, vh = np.linalg.svd((weight[:, None] * b).T @ a)
    sign = np.ones(3)
    if not allow_reflection and np.linalg.det(u) * np.linalg.det(vh) < 0:
        sign[2] = -1
    rotation = u @ np.diag(sign) @ vh
    spread = (weight @ a**2).sum()
    scale = (s * sign).sum() / spread if with_scale else 1.
    return scale, rotation, target_mean - scale * rotation @ source_mean


def batch(case):
    """(source, target) of 64 pairs each, in mm, away from the origin."""
    n = 64
    target = 300 * draw(n, K, 3)
    source = rotate(target, random_rotations(n, dtype=torch.float64)) + 60 * draw(n, K, 3, seed=1)
    if case == 'unrelated':
        source = 300 * draw(n, K, 3, seed=2)
    elif case == 'mirrored':
        source = source * torch.tensor([-1., 1., 1.], dtype=torch.float64)
    elif case == 'planar':
        source = source * torch.tensor([1., 1., 0.], dtype=torch.float64)
    elif case == 'planar target':
        target = target * torch.tensor([1., 1., 0.], dtype=torch.float64)
    elif case == 'nearly collinear':
        target = target * torch.tensor([1., 0.01, 0.003], dtype=torch.float64)
    elif case == 'a millimetre across':
        source = source / 1000
    return source * 0.7 + 800 * draw(n, 1, 3, seed=3), target + 3000 * draw(n, 1, 3, seed=4)


CASES = ['ordinary', 'unrelated', 'mirrored', 'planar', 'planar target', 'nearly collinear',
         'a millimetre across']


@pytest.mark.parametrize('options', [{}, dict(with_scale=False), dict(allow_reflection=True)])
@pytest.mark.parametrize('weighted', [False, True])
@pytest.mark.parametrize('case', CASES)
def test_equals_the_svd_reference(case, weighted, options):
    source, target = batch(case)
    weight = torch.rand(64, K, dtype=torch.float64) if weighted else None
    fit = similarity_transform(source, target, weight, **options)
    distances = aligned_distances(source, target, weight, **options)
    aligned = align(source, target, weight, **options)
    for n in range(64):
        scale, rotation, translation = reference(
            source[n].numpy(), target[n].numpy(), weight[n].numpy() if weighted else None,
            **options)
        expected = source[n].numpy() @ (scale * rotation).T + translation
        error = np.linalg.norm(expected - target[n].numpy(), axis=-1)
        assert fit.scale[n].item() == pytest.approx(scale, rel=1e-6)
        np.testing.assert_allclose(distances[n], error, rtol=1e-6, atol=1e-6)
        if case.startswith('planar') and 'allow_reflection' in options:
            continue  # a reflection in the plane fits as well
        np.testing.assert_allclose(fit.rotation[n], rotation, atol=1e-6)
        np.testing.assert_allclose(fit.translation[n], translation, rtol=1e-6, atol=1e-3)
        np.testing.assert_allclose(aligned[n], expected, rtol=1e-6, atol=1e-5)


def test_single_precision_is_near_double():
    source, target = batch('ordinary')
    single = aligned_distances(source.float(), target.float()).double()
    double = aligned_distances(source, target)
    assert (single.mean() / double.mean() - 1).abs() < 1e-6


def test_recovers_a_known_transform_with_any_leading_axes():
    source = 300 * draw(2, 3, 4, K, 3)
    rotation = random_rotations(24, dtype=torch.float64).reshape(2, 3, 4, 3, 3)
    scale, translation = 0.5 + torch.rand(2, 3, 4, dtype=torch.float64), 1000 * draw(2, 3, 4, 3)
    target = scale[..., None, None] * rotate(source, rotation) + translation[..., None, :]
    fit = similarity_transform(source, target)
    torch.testing.assert_close(fit.scale, scale)
    torch.testing.assert_close(fit.rotation, rotation)
    torch.testing.assert_close(fit.translation, translation)
    assert aligned_distances(source, target).shape == (2, 3, 4, K)
    assert aligned_distances(source, target).max() < 1e-9
    assert similarity_transform(source[0, 0, 0], target[0, 0, 0]).scale.shape == ()


def test_a_mirrored_body_costs_something_unless_reflection_is_allowed():
    body = 300 * draw(2, K, 3)
    mirrored = body * torch.tensor([-1., 1., 1.], dtype=torch.float64)
    assert aligned_distances(mirrored, body).mean(-1).min() > 50
    assert aligned_distances(mirrored, body, allow_reflection=True).max() < 1e-9
    determinant = torch.linalg.det(similarity_transform(mirrored, body).rotation)
    torch.testing.assert_close(determinant, torch.ones_like(determinant))


def degenerate(case):
    pose = 300 * draw(2, K, 3) + 5000
    line = draw(2, K, 1, seed=1) * torch.tensor([300., 200., 100.], dtype=torch.float64) + 700
    return {
        'identical': (pose, pose.clone()),
        'collapsed source': (pose[:, :1].expand(-1, K, -1).clone(), pose),
        'collapsed target': (pose, pose[:, :1].expand(-1, K, -1).clone()),
        'both collapsed': (torch.zeros_like(pose), torch.zeros_like(pose)),
        'collinear source': (line, pose),
        'collinear target': (pose, line),
        'both collinear': (line, -2 * line),
        'planar': (pose * torch.tensor([1., 1., 0.], dtype=torch.float64), pose),
        'mirrored': (pose * torch.tensor([-1., 1., 1.], dtype=torch.float64), pose),
        'zero padded': (torch.cat([pose[:, :3], torch.zeros_like(pose[:, 3:])], 1),
                        torch.cat([pose[:, :3].flip(-1), torch.zeros_like(pose[:, 3:])], 1)),
        'a cube': (torch.cartesian_prod(*[torch.tensor([-1., 1.], dtype=torch.float64)] * 3)
                   .expand(2, 8, 3).clone(),) * 2,
        'a mirrored cube': (torch.cartesian_prod(*[torch.tensor([-1., 1.],
                                                                dtype=torch.float64)] * 3)
                            * torch.tensor([[1.], [-1.]], dtype=torch.float64)[:, None],
                            torch.cartesian_prod(*[torch.tensor([-1., 1.],
                                                                dtype=torch.float64)] * 3)
                            .expand(2, 8, 3).clone()),
    }[case]


DEGENERATE = ['identical', 'collapsed source', 'collapsed target', 'both collapsed',
              'collinear source', 'collinear target', 'both collinear', 'planar', 'mirrored',
              'zero padded', 'a cube', 'a mirrored cube']


@pytest.mark.parametrize('allow_reflection', [False, True])
@pytest.mark.parametrize('case', DEGENERATE)
def test_degenerate_input_is_defined_and_optimal(case, allow_reflection):
    source, target = degenerate(case)
    options = dict(allow_reflection=allow_reflection)
    fit = similarity_transform(source, target, **options)
    eye = torch.eye(3, dtype=torch.float64).expand(2, 3, 3)
    torch.testing.assert_close(fit.rotation @ fit.rotation.transpose(1, 2), eye)
    if not allow_reflection:
        assert (torch.linalg.det(fit.rotation) > 0).all()
    distances = aligned_distances(source, target, **options)
    residual = (align(source, target, **options) - target).norm(dim=-1)
    torch.testing.assert_close(distances, residual, atol=1e-6, rtol=1e-6)
    if 'collapsed' in case:
        spread = (target - target.mean(1, keepdim=True)).norm(dim=-1)
        torch.testing.assert_close(distances, spread, atol=1e-6, rtol=1e-6)
        return
    for n in range(2):
        scale, rotation, translation = reference(source[n].numpy(), target[n].numpy(), **options)
        error = np.linalg.norm(source[n].numpy() @ (scale * rotation).T + translation
                               - target[n].numpy(), axis=-1)
        assert distances[n].square().sum().item() == pytest.approx((error**2).sum(), abs=1e-6)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('case', DEGENERATE)
def test_gradients_are_finite(case, dtype):
    source, target = (x.to(dtype).requires_grad_() for x in degenerate(case))
    aligned = align(source, target)
    (aligned - target).square().sum().backward(retain_graph=True)
    torch.linalg.vector_norm(aligned - target, dim=-1).sum().backward()
    assert source.grad.isfinite().all() and target.grad.isfinite().all()
    assert source.grad.abs().max() < 1e7


@pytest.mark.parametrize('options', [{}, dict(with_scale=False), dict(allow_reflection=True)])
@pytest.mark.parametrize('case', ['ordinary', 'mirrored', 'planar', 'nearly collinear'])
def test_gradcheck(case, options):
    if case == 'planar' and 'allow_reflection' in options:
        pytest.skip('reflected or not is a toss-up there')
    source, target = (x[:3, :6].clone().requires_grad_() / 300 for x in batch(case))
    weight = torch.rand(3, 6, dtype=torch.float64)
    probe = draw(3, 6, 3, seed=9)

    def function(source, target):
        fit = similarity_transform(source, target, weight, **options)
        return (probe * align(source, target, weight, **options)).sum(), fit.scale, fit.rotation

    assert torch.autograd.gradcheck(function, (source, target), atol=1e-4, rtol=1e-3)


def test_gradients_of_a_batch_are_those_of_its_rows():
    source, target = batch('ordinary')
    whole = source.clone().requires_grad_()
    (align(whole, target) - target).norm(dim=-1).sum().backward()
    for n in range(0, 64, 9):
        row = source[n].clone().requires_grad_()
        (align(row, target[n]) - target[n]).norm(dim=-1).sum().backward()
        torch.testing.assert_close(whole.grad[n], row.grad)


def test_backward_agrees_with_torch_svd_on_ordinary_input():
    m = draw(20, 3, 3)
    probe = draw(20, 3, 3, seed=1)
    ours = m.clone().requires_grad_()
    (_OptimalRotation.apply(ours.permute(1, 2, 0), False).permute(2, 0, 1) * probe).sum().backward()
    theirs = m.clone().requires_grad_()
    u, _, vh = torch.linalg.svd(theirs)
    sign = torch.ones(20, 3, dtype=torch.float64)
    sign[:, 2] = torch.linalg.det(u @ vh).detach().sign()
    ((u * sign[:, None]) @ vh * probe).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-6, atol=1e-8)


def test_points_without_weight_may_be_nan_and_nan_stays_in_its_row():
    source, target = batch('ordinary')
    weight = torch.ones(64, K)
    weight[:, 5] = 0
    expected = aligned_distances(source[:, :5], target[:, :5])
    weight[:, 5:] = 0
    source[:, 7], target[:, 6] = float('nan'), float('nan')
    torch.testing.assert_close(aligned_distances(source, target, weight)[:, :5], expected)
    source[3, 0] = float('nan')
    distances = aligned_distances(source, target, weight)[:, :5]
    assert distances[3].isnan().all()
    keep = torch.arange(64) != 3
    torch.testing.assert_close(distances[keep], expected[keep])


def test_without_any_weight_nothing_moves():
    source, target = batch('ordinary')
    fit = similarity_transform(source, target, torch.zeros(K))
    assert torch.equal(align(source, target, torch.zeros(K)), source)
    assert (fit.scale == 1).all()


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r'\(\.\.\., K, 3\)'):
        align(draw(2, 5, 3), draw(2, 4, 3))
    with pytest.raises(ValueError, match='no point'):
        align(draw(2, 0, 3), draw(2, 0, 3))
    assert aligned_distances(draw(0, 5, 3), draw(0, 5, 3)).shape == (0, 5)


@pytest.mark.slow
def test_compiled_is_eager_also_where_the_closed_form_gives_up():
    source, target = batch('ordinary')
    source[3], target[5], source[7] = 0, 100., source[7, :, :1] * torch.ones(3)
    compiled = torch.compile(aligned_distances)
    try:
        distances = compiled(source, target)
    except Exception as error:
        pytest.skip(f'torch.compile does not work here: {type(error).__name__}')
    torch.testing.assert_close(distances, aligned_distances(source, target))
