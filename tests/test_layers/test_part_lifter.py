import copy
import io

import pytest
import torch
from torch import nn

from mmviewpose.layers import PartLifter, PoseCritic

LEG_TORSO = [[0, 2, 4], [1, 3, 5, 6, 7]]
LIMBS = [[0, 5], [1, 2], [3], [4, 7], [6]]
PAPER_LEGS = [list(range(6)), list(range(6, 16))]
PAPER_LIMBS = [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9], [10, 11, 12], [13, 14, 15]]
# name: parts of 8 key points, parts of the paper's 16, blocks, combine_blocks
REPRESENTATIONS = {
    'full': ([list(range(8))], [list(range(16))], 6, 0),
    'leg-torso': (LEG_TORSO, PAPER_LEGS, 3, 0),
    'leg-torso-combine': (LEG_TORSO, PAPER_LEGS, 2, 2),
    'limbs': (LIMBS, PAPER_LIMBS, 1, 0),
    'limbs-combine': (LIMBS, PAPER_LIMBS, 1, 1),
}
INDEPENDENT = [name for name, entry in REPRESENTATIONS.items() if not entry[3]]


def build(name, width=12, paper=False, **options):
    torch.manual_seed(0)
    parts, papers, blocks, combine = REPRESENTATIONS[name]
    return PartLifter(papers if paper else parts, width, blocks, combine, **options)


def points_of(model, batch=5):
    generator = torch.Generator().manual_seed(1)
    dtype = next(model.parameters()).dtype
    return 2 * torch.rand(batch, model.outputs.numel(), 2, generator=generator, dtype=dtype) - 1


def linear(stacked, part, ins=None, outs=None):
    """One layer of a stack as torch's."""
    weight = stacked.weight[part][:outs, :ins]
    layer = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
    layer.weight.data.copy_(weight)
    layer.bias.data.copy_(stacked.bias[part, 0, :outs])
    return layer


class Residual(nn.Module):

    def __init__(self, block, part):
        super().__init__()
        self.first, self.second = linear(block.first, part), linear(block.second, part)

    def forward(self, inputs):
        return inputs + self.second(self.first(inputs).relu()).relu()


class Reference(nn.Module):
    """The representations part by part, of torch's own layers, with a lifter's weights."""

    def __init__(self, model, parts, width):
        super().__init__()
        self.parts, self.combined = parts, model.features is not None
        joints = sum(map(len, parts))
        self.trunks, self.heads = nn.ModuleList(), nn.ModuleList()
        for part, members in enumerate(parts):
            first, _, _, *blocks = model.trunk
            self.trunks.append(nn.Sequential(
                linear(first, part, ins=2 * len(members)), nn.ReLU(),
                *[Residual(block, part) for block in blocks]))
            count = max(1, round(width * len(members) / joints)) if self.combined else len(members)
            self.heads.append(linear(model.features if self.combined else model.depths, part,
                                     outs=count))
        if self.combined:
            self.combine = nn.Sequential(*[
                Residual(layer, 0) if hasattr(layer, 'first') else linear(layer, 0)
                for layer in model.combine])
            self.last = linear(model.depths, 0)

    def forward(self, points):
        found = [head(trunk(points[:, members].flatten(1)))
                 for trunk, head, members in zip(self.trunks, self.heads, self.parts)]
        if self.combined:
            return self.last(self.combine(torch.cat(found, 1).relu())).tanh()
        depths = torch.empty(points.shape[:2], dtype=points.dtype)
        for members, values in zip(self.parts, found):
            depths[:, members] = values
        return depths.tanh()


@pytest.mark.parametrize('name', REPRESENTATIONS)
def test_against_one_network_a_part(name):
    model = build(name).double()
    reference = Reference(model, REPRESENTATIONS[name][0], 12)
    points = points_of(model).requires_grad_()
    depths, expected = model(points), reference(points)
    torch.testing.assert_close(depths, expected)
    weights = torch.randn_like(depths)
    (gradient, ), (wanted, ) = (torch.autograd.grad((out * weights).sum(), points,
                                                    retain_graph=True)
                                for out in (depths, expected))
    torch.testing.assert_close(gradient, wanted)
    (depths * weights).sum().backward()
    (expected * weights).sum().backward()
    for part, members in enumerate(REPRESENTATIONS[name][0]):
        entry, used = model.trunk[0], 2 * len(members)
        layer = reference.trunks[part][0]
        torch.testing.assert_close(entry.weight.grad[part, :, :used], layer.weight.grad)
        assert not entry.weight.grad[part, :, used:].any(), 'padding reads zeros'
        block, layer = model.trunk[3], reference.trunks[part][2]
        torch.testing.assert_close(block.second.weight.grad[part], layer.second.weight.grad)
        torch.testing.assert_close(block.first.bias.grad[part, 0], layer.first.bias.grad)


def used_parameters(name, width):
    """Of networks without padding, by hand."""
    _, parts, blocks, combine = REPRESENTATIONS[name]
    block, joints = 2 * (width * width + width), sum(map(len, parts))
    total = sum(2 * len(part) * width + width + blocks * block for part in parts)
    if not combine:
        return total + sum(len(part) * (width + 1) for part in parts)
    shares = [round(width * len(part) / joints) for part in parts]
    assert sum(shares) == width
    return total + width * (width + 1) + combine * block + joints * (width + 1)


def test_equal_budgets():
    for name in REPRESENTATIONS:
        count = sum(weight.numel() for weight in build(name, 64, paper=True).parameters())
        assert 0 <= count - used_parameters(name, 64) < 0.1 * count, 'padding costs little'
        if len(REPRESENTATIONS[name][1]) == 1:
            assert count == used_parameters(name, 64)
    budgets = {name: used_parameters(name, 1024) for name in REPRESENTATIONS}
    # the five limbs have five blocks, the others six; combined ones a layer of features besides
    assert all(abs(count / budgets['full'] - 1) < 0.2 for count in budgets.values()), budgets


def test_the_papers_feature_counts():
    for parts, shares in ((PAPER_LEGS, [384, 640]), (PAPER_LIMBS, [192, 192, 256, 192, 192])):
        model = PartLifter(parts, 1024, blocks=0, combine_blocks=1)
        widest = max(shares)
        expected = torch.cat([part * widest + torch.arange(n) for part, n in enumerate(shares)])
        assert model.kept.equal(expected) and model.features.weight.shape[1] == widest


@pytest.mark.parametrize('norm', [None, 'affine', 'batch'])
@pytest.mark.parametrize('name', REPRESENTATIONS)
def test_what_depends_on_what(name, norm):
    model = build(name, norm=norm).eval()
    parts = REPRESENTATIONS[name][0]
    jacobian = torch.autograd.functional.jacobian(lambda x: model(x).sum(0), points_of(model))
    reached = jacobian.abs().amax((1, 3))  # depth x key point
    own = torch.zeros_like(reached, dtype=torch.bool)
    for part in parts:
        own[torch.tensor(part)[:, None], torch.tensor(part)] = True
    assert model.independent == (name in INDEPENDENT)
    assert (reached[own] > 0).all()
    if model.independent:
        assert (reached[~own] == 0).all(), 'exactly'
    else:
        assert (reached[~own] > 0).all()


def test_first_layers_start_as_torchs_of_the_parts_own_size():
    model = PartLifter(LIMBS, 500, 0)
    for part, members in enumerate(LIMBS):
        bound = (2 * len(members)) ** -0.5
        values = model.trunk[0].weight[part]
        assert 0.99 * bound < values.abs().max() <= bound
        assert model.trunk[0].bias[part].abs().max() <= bound


@pytest.mark.parametrize('name', ['full', 'leg-torso', 'limbs-combine'])
def test_affine_is_batch_norm_that_never_counts(name):
    affine, batch = build(name, norm='affine').double(), build(name, norm='batch').double().eval()
    mine = {key.replace('_norm', '_norm.norm').replace('trunk.1', 'trunk.1.norm'): value
            for key, value in affine.state_dict().items()}
    for key, value in mine.items():
        if 'norm' in key:
            value.normal_(generator=torch.Generator().manual_seed(len(key)))
            mine[key] = value.flatten()
    rest = batch.load_state_dict(mine, strict=False)
    assert not rest.unexpected_keys
    assert all(key.split('.')[-1] in ('running_mean', 'running_var', 'num_batches_tracked')
               for key in rest.missing_keys)
    points = points_of(affine)
    torch.testing.assert_close(affine(points), batch(points), rtol=0, atol=1e-3)
    for module in batch.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.eps = 0.
    torch.testing.assert_close(affine(points), batch(points))


def test_batch_norm_is_one_of_each_part():
    from mmviewpose.layers.part_lifter import StackedBatchNorm
    stacked = StackedBatchNorm(3, 4)
    inputs = torch.randn(3, 6, 4) * torch.tensor([1., 5., 9.])[:, None, None] + 2
    alone = [nn.BatchNorm1d(4) for _ in range(3)]
    for training in (True, False):
        expected = torch.stack([norm.train(training)(part) for norm, part in zip(alone, inputs)])
        torch.testing.assert_close(stacked.train(training)(inputs), expected)


@pytest.mark.parametrize('norm', [None, 'affine', 'batch'])
def test_a_batch_of_one(norm):
    for model in (build('leg-torso', norm=norm), PoseCritic(8, 12, 1, norm)):
        one = points_of(build('full'), 1)
        if norm == 'batch':
            with pytest.raises(ValueError, match='cannot train on a batch of one'):
                model(one)
            assert model.eval()(one).isfinite().all()
        else:
            both = model(points_of(build('full'), 2))
            torch.testing.assert_close(model(points_of(build('full'), 2)[:1]), both[:1])


def test_one_joint_parts():
    model = PartLifter([[joint] for joint in range(4)], 6, 1)
    jacobian = torch.autograd.functional.jacobian(lambda x: model(x).sum(0), points_of(model))
    assert (jacobian.abs().amax((1, 3)) > 0).equal(torch.eye(4, dtype=torch.bool))


def test_features_of_a_narrow_network():
    """Shares that do not add up to the width still leave each part at least one feature."""
    model = PartLifter([[joint] for joint in range(7)], 4, 1, 1)
    assert model.kept.numel() == 7 and model(points_of(model)).shape == (5, 7)


@pytest.mark.parametrize('norm', [None, 'affine', 'batch'])
def test_state_dict_round_trip(norm):
    first, second = build('limbs-combine', norm=norm), copy.deepcopy(build('limbs-combine',
                                                                           norm=norm))
    first(points_of(first))  # statistics
    for value in second.parameters():
        value.data.normal_()
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    points = points_of(first)
    assert torch.equal(first.eval()(points), second.eval()(points))


def test_depths_lie_within_one():
    model = build('leg-torso')
    assert model(100 * points_of(model)).abs().max() <= 1


def test_the_critic():
    critic = PoseCritic(8, 12, 2).double()
    points = points_of(build('full').double())
    trunk, (_, _, _, *blocks) = critic.trunk[0], critic.trunk
    reference = nn.Sequential(linear(trunk, 0), nn.ReLU(), *[Residual(b, 0) for b in blocks],
                              linear(critic.score, 0))
    assert len(blocks) == 2
    torch.testing.assert_close(critic(points), reference(points.flatten(1))[:, 0])


@pytest.mark.parametrize('parts', [[], [[]], [[0, 1], []], [[0, 1], [1, 2]], [[0], [2]],
                                   [[1, 2]], [[0, -1]]])
def test_bad_parts(parts):
    with pytest.raises(ValueError, match='parts must hold each of'):
        PartLifter(parts, 4, 1)


@pytest.mark.parametrize('build_it', [lambda: PartLifter([[0]], 4, 1, norm='layer'),
                                      lambda: PoseCritic(3, 4, 1, norm='layer')])
def test_unknown_norm(build_it):
    with pytest.raises(ValueError, match="norm must be one of .* got 'layer'"):
        build_it()
