import numpy as np
import pytest
import torch

from mmviewpose.functional import linear_probe_accuracy


def clusters(count, apart, classes=3, width=4, seed=0):
    """Points about one centre a class, unit noise, and their classes."""
    generator = torch.Generator().manual_seed(seed)
    centres = apart * torch.randn(classes, width, generator=torch.Generator().manual_seed(9))
    labels = torch.arange(count) % classes
    return centres[labels] + torch.randn(count, width, generator=generator), labels


def slow_answers(features, labels, test_features, ridge, steps=4000, rate=.5):
    """Plain gradient descent on the same cost, in numpy."""
    features, test_features = (np.asarray(part, np.float64) for part in (features, test_features))
    mean, std = features.mean(0), features.std(0, ddof=1)
    train, test = ((part - mean) / std for part in (features, test_features))
    wanted = np.eye(int(labels.max()) + 1)[labels.numpy()]
    weight, bias = np.zeros((train.shape[1], wanted.shape[1])), np.zeros(wanted.shape[1])
    for _ in range(steps):
        scores = train @ weight + bias
        chances = np.exp(scores - scores.max(1, keepdims=True))
        chances /= chances.sum(1, keepdims=True)
        slope = (chances - wanted) / len(train)
        weight -= rate * (train.T @ slope + ridge * weight)
        bias -= rate * slope.sum(0)
    return (test @ weight + bias).argmax(1)


def test_separable_classes_are_told_apart():
    for classes in (2, 5):
        train, test = (clusters(100, 30., classes, seed=s) for s in (0, 1))
        assert linear_probe_accuracy(*train, *test) == 1.


def test_labels_at_random_cannot_be_learnt():
    (features, labels), (others, wanted) = clusters(600, 30.), clusters(900, 30., seed=1)
    generator = torch.Generator().manual_seed(2)
    shuffled = labels[torch.randperm(600, generator=generator)]
    assert abs(linear_probe_accuracy(features, shuffled, others, wanted) - 1 / 3) < .15
    noise = torch.randn(1500, 4, generator=generator)
    assert abs(linear_probe_accuracy(noise[:600], labels, noise[600:], wanted) - 1 / 3) < .06


@pytest.mark.parametrize('ridge', [1e-3, .1, 1.])
def test_against_gradient_descent(ridge):
    """Overlapping classes of unequal number and features of unequal size, so that the cost's form
    decides the answers."""
    (features, labels), (others, wanted) = clusters(90, .7), clusters(3000, .7, seed=1)
    kept = (labels != 1) | (torch.arange(90) < 40)
    scale = torch.tensor([1., .01, 100., 5.])
    features, labels, others = features[kept] * scale + 7, labels[kept], others * scale + 7

    def agreement(other_ridge):
        answers = torch.from_numpy(slow_answers(features, labels, others, other_ridge))
        return linear_probe_accuracy(features, labels, others, answers, ridge), answers

    share, answers = agreement(ridge)
    assert share > .9995
    assert linear_probe_accuracy(features, labels, others, wanted, ridge) == pytest.approx(
        (answers == wanted).double().mean().item(), abs=1e-3)
    if ridge > .01:
        assert agreement(2 * ridge)[0] < .99, 'the ridge counts by half'


def test_it_depends_on_neither_scale_nor_dead_features_nor_gradient_mode():
    train, test = clusters(90, .7), clusters(300, .7, seed=1)
    expected = linear_probe_accuracy(*train, *test)
    assert .5 < expected < 1
    wider = [(torch.cat([1e4 * features + 1e5, torch.full((len(features), 2), 3.)], 1), labels)
             for features, labels in (train, test)]
    assert linear_probe_accuracy(*wider[0], *wider[1]) == pytest.approx(expected, abs=.01)
    with torch.no_grad():
        assert linear_probe_accuracy(*train, *test) == expected
    features = train[0].clone().requires_grad_()
    assert linear_probe_accuracy(features, train[1], *test) == expected
    assert features.grad is None


def test_poses_are_flattened_and_unknown_classes_are_wrong():
    (features, labels), (others, wanted) = clusters(60, 30., 2, 6), clusters(40, 30., 2, 6, seed=1)
    poses, more = features.unflatten(1, (2, 3)), others.unflatten(1, (2, 3))
    assert linear_probe_accuracy(poses, labels, more, wanted) == 1.
    assert linear_probe_accuracy(poses, labels, more, 2 + 0 * wanted) == 0.


def test_wrong_arguments():
    train, test = clusters(30, 3.), clusters(30, 3., seed=1)
    for broken in (float('nan'), float('inf')):
        for place in range(2):
            parts = [train[0].clone(), test[0].clone()]
            parts[place][3, 1] = broken
            with pytest.raises(ValueError, match='not finite'):
                linear_probe_accuracy(parts[0], train[1], parts[1], test[1])
    for label in (0, 1):
        with pytest.raises(ValueError, match='at least two classes'):
            linear_probe_accuracy(train[0], torch.full_like(train[1], label), *test)
