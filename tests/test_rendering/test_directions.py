import torch

from mmviewpose.geometry import axis_angle_to_matrix
from mmviewpose.rendering.directions import carry, cross, dot, perpendicular, square_to, unit

X, Y, Z = torch.eye(3, dtype=torch.float64)


def directions(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return unit(torch.randn(count, 3, generator=generator, dtype=torch.float64), X)


def test_carried_by_the_smallest_rotation():
    rest, axes = directions(50), directions(50, seed=1)
    front = square_to(directions(50, seed=2), rest)
    turn = axis_angle_to_matrix(unit(cross(rest, axes), X), dot(rest, axes).acos())
    torch.testing.assert_close((turn @ rest.unsqueeze(-1))[..., 0], axes)
    torch.testing.assert_close(carry(front, rest, axes), (turn @ front.unsqueeze(-1))[..., 0])


def test_the_opposite_direction():
    """No smallest rotation: some unit vector at right angles, and no jump on the way there."""
    for angle in (0., 1e-12, 1e-6, 1e-3):
        axis = unit(-Y + angle * (X + Z), X)
        carried = carry(Z, Y, axis)
        torch.testing.assert_close(dot(carried, carried).item(), 1.)
        assert abs(dot(carried, axis)) < 1e-9


def test_perpendicular():
    for axes in (directions(100), torch.eye(3, dtype=torch.float64)):
        found = perpendicular(axes)
        torch.testing.assert_close(dot(found, found), torch.ones(len(axes)).double())
        assert dot(found, axes).abs().max() < 1e-12


def test_what_has_no_direction():
    short = torch.tensor([[0., 0., 0.], [1e-5, 0., 0.], [0., 3., 0.]])
    found = unit(short, torch.tensor([0., 0., 2.]))
    torch.testing.assert_close(found, torch.tensor([[0., 0., 1.], [0., 0., 1.], [0., 1., 0.]]))
