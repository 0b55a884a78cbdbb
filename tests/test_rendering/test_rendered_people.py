import torch

from mmviewpose.rendering.body import CAPSULES
from mmviewpose.rendering.people import draw_people, uniform

CPU = torch.device('cpu')


def word(seed, step):
    """The same hash in Python's integers."""
    def mixed(x):
        x = (x ^ x >> 16) * 0x21f0aaad % 2**32
        x = (x ^ x >> 15) * 0x735a2d97 % 2**32
        return x ^ x >> 15

    low, high = seed % 2**32, (seed >> 32) % 2**32
    state = mixed(low ^ mixed((high + 0x5bd1e995) % 2**32))
    return mixed((state + (step + 1) * 0x9e3779b9) % 2**32)


def test_numbers_are_the_hash():
    seeds = [0, 1, -1, 12345, 2**31, 2**40 + 7, -2**63, 2**63 - 1]
    found = uniform(torch.tensor(seeds), 6)
    expected = [[word(seed, step) / 2**32 for step in range(6)] for seed in seeds]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=0)


def test_numbers_are_even():
    draws = uniform(torch.arange(20000), 4)
    assert draws.min() >= 0 and draws.max() < 1
    assert (draws.mean(0) - 0.5).abs().max() < 0.01
    assert (draws.std(0) - 12**-0.5).abs().max() < 0.01
    both = torch.corrcoef(torch.cat([draws[:-1], draws[1:]], 1).T) - torch.eye(8).double()
    assert both.abs().max() < 0.03


def test_a_person_depends_on_the_seed_only():
    seeds = torch.tensor([5, 9, -3, 9])
    people = draw_people(seeds, 4, CPU)
    for field, alone in zip(people, draw_people(seeds[1:2], 1, CPU)):
        assert (field[1] == alone[0]).all() and (field[3] == alone[0]).all()
        assert not (field[0] == field[1]).all() and not (field[2] == field[1]).all()


def test_people_are_realistic():
    people = draw_people(torch.arange(500), 500, CPU)
    assert people.girth.shape == (500, len(CAPSULES))
    assert people.girth.min() > 0.7 and people.girth.max() < 1.5
    assert people.girth.std(0).min() > 0.02
    for colours in (people.colours, people.backdrop):
        assert colours.min() >= 0 and colours.max() <= 255


def test_the_average_person():
    people = draw_people(None, 3, CPU)
    assert (people.girth - 1).abs().max() < 0.1
    assert all((field == field[:1]).all() and field.isfinite().all() for field in people)
