import numpy as np
import pytest
import torch

from mmviewpose.functional import linear_erasure, linear_probe_accuracy


def groups(count=600, width=7, classes=3, seed=0):
    """Correlated features whose means differ by class."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(width, width, generator=torch.Generator().manual_seed(5)).double()
    means = 2 * torch.randn(classes, width, generator=torch.Generator().manual_seed(6)).double()
    labels = torch.arange(count) % classes
    noise = torch.randn(count, width, generator=generator).double()
    return noise @ mixing + means[labels], labels


def apply(erasure, features):
    return features @ erasure.matrix.T + erasure.offset


def test_classes_have_one_mean_afterwards():
    features, labels = groups()
    erased = apply(linear_erasure(features, labels), features)
    for label in range(3):
        torch.testing.assert_close(erased[labels == label].mean(0), features.mean(0))
    assert linear_probe_accuracy(features, labels, features, labels) > .8
    assert linear_probe_accuracy(erased, labels, erased, labels) < .40


def test_least_change_of_all():
    """Against a numerical search: among maps without the label, none moves features less. The
    constraint is linear in the map, so the least is one equation system (Lagrange, in numpy)."""
    features, labels = groups(width=4)
    x = features.numpy() - features.numpy().mean(0)
    covariance = x.T @ x / len(x)
    means = np.stack([x[labels.numpy() == k].mean(0) for k in range(2)])  # of three, two are free
    # minimise tr((M - I) C (M - I)^T) with M m_k = 0: a row at a time, [2C, A^T; A, 0]
    system = np.block([[2 * covariance, means.T], [means, np.zeros((2, 2))]])
    rows = [np.linalg.solve(system, np.concatenate([2 * covariance[row], np.zeros(2)]))[:4]
            for row in range(4)]
    torch.testing.assert_close(linear_erasure(features, labels).matrix,
                               torch.tensor(np.stack(rows)))


def test_erasing_twice_changes_nothing_more():
    features, labels = groups()
    once = apply(linear_erasure(features, labels), features)
    torch.testing.assert_close(apply(linear_erasure(once, labels), once), once)


def test_constant_directions_and_equal_means():
    features, labels = groups()
    flat = torch.cat([features, torch.ones(len(features), 2).double()], 1)
    erased = apply(linear_erasure(flat, labels), flat)
    torch.testing.assert_close(erased[:, 7:], flat[:, 7:])
    torch.testing.assert_close(erased[:, :7], apply(linear_erasure(features, labels), features))
    same = torch.cat([features, features])
    kept = apply(linear_erasure(same, torch.arange(2).repeat_interleave(len(features))), same)
    torch.testing.assert_close(kept, same)
    constant = torch.ones(6, 3)
    torch.testing.assert_close(apply(linear_erasure(constant, torch.arange(6) % 2),
                                     constant.double()), constant.double())


def test_bad_input():
    features, labels = groups(12)
    with pytest.raises(ValueError, match='at least two classes'):
        linear_erasure(features, torch.zeros(12).long())
    with pytest.raises(ValueError, match='12 features have labels of shape'):
        linear_erasure(features, labels[:5])
    features[3, 2] = float('nan')
    with pytest.raises(ValueError, match='not finite'):
        linear_erasure(features, labels)
