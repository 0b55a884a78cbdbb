"""Sensitivity against a plain float64 loop; independent parts are exactly independent."""
import pytest
import torch
from torch import nn

from mmviewpose.functional.sensitivity import (block_means, keypoint_sensitivity, paper_factors)

J = 7
PARTS = dict(legs=(0, 1, 4), torso=(2, 3, 5, 6))


class PartLifter(nn.Module):
    """A small network for each part, on its own key points."""

    def __init__(self, parts, width=33):
        super().__init__()
        self.parts = parts
        self.nets = nn.ModuleDict({
            name: nn.Sequential(nn.Flatten(), nn.Linear(2 * len(part), width), nn.LeakyReLU(),
                                nn.Linear(width, width), nn.Tanh(), nn.Linear(width, len(part)))
            for name, part in parts.items()})

    def forward(self, points):
        depths = points.new_empty(points.shape[:2])
        for name, part in self.parts.items():
            depths[:, list(part)] = self.nets[name](points[:, list(part)])
        return depths


@pytest.fixture
def points():
    torch.manual_seed(0)
    points = torch.randn(11, J, 2)
    return points / points.abs().amax((1, 2), keepdim=True)


def lifter(parts):
    torch.manual_seed(1)
    return PartLifter(parts).eval()


def naive(lift, points, factors):
    count, joints = points.shape[:2]
    changes = torch.empty(len(factors), joints, joints, count, dtype=torch.float64)
    for f, factor in enumerate(factors):
        for joint in range(joints):
            for b in range(count):
                changed = points[b].clone()
                changed[joint] = factor * changed[joint]
                changes[f, joint, :, b] = lift(changed[None])[0] - lift(points[b][None])[0]
    return changes


@pytest.mark.parametrize('max_rows', [1, 4, 25, 10000])
def test_agrees_with_a_plain_loop(points, max_rows):
    lift = lifter(dict(all=tuple(range(J)))).double()
    factors = torch.tensor([-.95, 0., .5, 1., 1.05], dtype=torch.float64)
    lifted, largest = [], []

    def counting(rows):
        largest.append(len(rows))
        return lift(rows)

    found = keypoint_sensitivity(counting, points.double(), factors, max_rows, lifted.append)
    with torch.no_grad():
        changes = naive(lift, points.double(), factors)
    for got, true in ((found.magnitude, changes.abs().mean(-1)), (found.mean, changes.mean(-1)),
                      (found.std, changes.std(-1, unbiased=False)),
                      (found.matrix, changes.abs().mean((0, 3)))):
        torch.testing.assert_close(got, true, rtol=1e-9, atol=1e-9)
    assert (found.magnitude[3] == 0).all()
    assert (found.magnitude[[0, 1, 2, 4]] > 0).all()
    assert max(largest) <= max_rows and sum(lifted) == 5 * J * 11
    assert not found.mean.requires_grad


@pytest.mark.parametrize('max_rows', [11, 150, 1000])
def test_independent_parts_have_exactly_no_influence_on_each_other(points, max_rows):
    found = keypoint_sensitivity(lifter(PARTS), points, paper_factors()[::4], max_rows)
    across = torch.ones(J, J, dtype=torch.bool)
    for part in PARTS.values():
        across[torch.tensor(part)[:, None], torch.tensor(part)] = False
    for changes in found[1:]:
        assert (changes[:, across] == 0).all()
    assert (found.matrix[~across] > 0).all()
    within, cross = block_means(found.matrix, PARTS)
    assert cross == 0. and within == pytest.approx(float(found.matrix[~across].mean()))
    full = keypoint_sensitivity(lifter(dict(all=tuple(range(J)))), points, paper_factors()[::4])
    assert (full.matrix > 0).all() and block_means(full.matrix, PARTS)[1] > 0
    assert block_means(full.matrix, dict(all=range(J)))[1] is None


@pytest.mark.parametrize('max_rows', [4, 25, 1000])
def test_rounding_that_depends_on_the_call_is_no_change(points, max_rows):
    def lift(rows):
        noise = torch.arange(len(rows)) % 5 * 1e-6 + len(rows) * 1e-7
        return noise[:, None].expand(-1, J) + .5

    found = keypoint_sensitivity(lift, points, paper_factors()[::7], max_rows)
    assert (found.magnitude == 0).all()


def test_the_key_point_is_axis_1_and_the_ordinate_axis_2():
    # depth 0 is x of key point 1, depth 1 nothing
    found = keypoint_sensitivity(
        lambda rows: torch.stack([rows[:, 1, 0], torch.zeros(len(rows))], 1),
        torch.tensor([[[0., 1.], [2., 0.]], [[0., 1.], [-4., 0.]]]), torch.tensor([0.]))
    torch.testing.assert_close(found.magnitude[0], torch.tensor([[0., 0.], [3., 0.]]).double())
    torch.testing.assert_close(found.mean[0], torch.tensor([[0., 0.], [1., 0.]]).double())
    torch.testing.assert_close(found.std[0], torch.tensor([[0., 0.], [3., 0.]]).double())


def test_paper_factors():
    factors = paper_factors()
    assert len(factors) == 201 and factors[0] == -.95 and factors[-1] == 1.05
    assert (factors == 1).sum() == 1


@pytest.mark.parametrize('change, message', [
    (dict(points=torch.zeros(3, J)), 'points must be'),
    (dict(points=torch.zeros(0, J, 2)), 'points must be'),
    (dict(points=torch.full((2, J, 2), float('nan'))), 'finite'),
    (dict(factors=torch.zeros(0)), 'factors must be'),
    (dict(max_rows=0), 'max_rows'),
    (dict(lift=lambda rows: rows), 'lift must give'),
])
def test_wrong_input(points, change, message):
    good = dict(lift=lifter(PARTS), points=points, factors=paper_factors())
    with pytest.raises(ValueError, match=message):
        keypoint_sensitivity(**{**good, **change})
    with pytest.raises(ValueError, match='once'):
        block_means(torch.zeros(J, J), dict(legs=(0, 1), torso=(1, 2)))
