import pytest
import torch

from mmviewpose.functional.reduction import reduce, safe_norm


def test_norm_equals_torch_and_has_no_slope_at_zero():
    vectors = torch.randn(4, 5, 3, dtype=torch.float64)
    vectors[0, 0] = 0
    vectors.requires_grad_()
    norm = safe_norm(vectors)
    torch.testing.assert_close(norm, vectors.norm(dim=-1))
    norm.sum().backward()
    assert torch.equal(vectors.grad[0, 0], torch.zeros(3, dtype=torch.float64))
    torch.testing.assert_close(vectors.grad[1:].norm(dim=-1),
                               torch.ones(3, 5, dtype=torch.float64))


def test_reductions_by_hand():
    values, weight = torch.tensor([[1., 2.], [3., 4.]]), torch.tensor([[1., 0.], [2., 1.]])
    assert reduce(values).item() == 2.5
    assert reduce(values, 'sum').item() == 10
    assert reduce(values, 'mean', weight).item() == 11 / 4
    assert reduce(values, 'sum', weight).item() == 11
    assert torch.equal(reduce(values, 'none', weight), values * weight)
    assert reduce(values, 'mean', torch.tensor([True, False])).item() == 2.
    assert reduce(values, 'mean', torch.zeros(2, 2)).item() == 0
    with pytest.raises(ValueError, match='reduction'):
        reduce(values, 'average')
