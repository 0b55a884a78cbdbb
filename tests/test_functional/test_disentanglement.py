import numpy as np
import pytest
import torch

from mmviewpose.functional import feature_consistency_loss, orthogonality_loss


def draw(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_feature_consistency_is_a_frobenius_norm_a_sample():
    first, second = draw(2, 3, 5, 4).unbind(0)
    norms = [np.linalg.norm(first[b].numpy() - second[b].numpy(), 'fro') for b in range(3)]
    assert feature_consistency_loss(first, second).item() == pytest.approx(np.mean(norms))
    assert feature_consistency_loss(first, second, reduction='sum').item() == pytest.approx(
        np.sum(norms))
    kept = feature_consistency_loss(first, second, torch.tensor([True, False, True]))
    assert kept.item() == pytest.approx((norms[0] + norms[2]) / 2)


def test_orthogonality_is_a_frobenius_norm_a_sample():
    features = draw(3, 4, 4)
    norms = [np.linalg.norm(np.eye(4) - f.T @ f, 'fro') for f in features.numpy()]
    assert orthogonality_loss(features).item() == pytest.approx(np.mean(norms))
    assert orthogonality_loss(features, reduction='sum').item() == pytest.approx(np.sum(norms))


def test_orthogonal_matrices_cost_nothing():
    orthogonal = torch.linalg.qr(draw(3, 4, 4))[0]
    assert orthogonality_loss(orthogonal).item() < 1e-12


def test_gradients():
    first, second = draw(2, 2, 5, 4).unbind(0)
    first = first.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: feature_consistency_loss(x, second), first)
    assert torch.autograd.gradcheck(orthogonality_loss, draw(2, 4, 4).requires_grad_())


def test_gradients_are_finite_at_zero_error():
    same = draw(2, 5, 4).requires_grad_()
    feature_consistency_loss(same, same.detach()).backward()
    identity = torch.eye(4).expand(2, 4, 4).clone().requires_grad_()
    orthogonality_loss(identity).backward()
    assert same.grad.abs().max() == 0 and identity.grad.abs().max() == 0



def test_mean_square_consistency():
    first, second = draw(2, 3, 5, 4).unbind(0)
    squares = ((first - second)**2).numpy().mean((1, 2))
    loss = feature_consistency_loss(first, second, norm='mean_square', reduction='none')
    np.testing.assert_allclose(loss, squares, rtol=1e-12)
    x = first.clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: feature_consistency_loss(x, second, norm='mean_square'), x)
    with pytest.raises(ValueError, match="'frobenius' or 'mean_square'"):
        feature_consistency_loss(first, second, norm='l1')


@pytest.mark.parametrize('norm', ['frobenius', 'mean_square'])
def test_a_sample_without_weight_may_be_nan(norm):
    first, second = draw(2, 3, 5, 4).unbind(0)
    expected = feature_consistency_loss(first[:2], second[:2], norm=norm)
    first[2] = float('nan')
    first.requires_grad_()
    loss = feature_consistency_loss(first, second, torch.tensor([1., 1., 0.]), norm=norm)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert first.grad.isfinite().all()
