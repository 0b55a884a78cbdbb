import copy
import importlib.util
import os
import random
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from mmviewpose.layers import STRUCTURES, SeBiReNet, TreePlan, TreeSubnet
from mmviewpose.layers import tree_rnn
from mmviewpose.skeletons import get_skeleton

APE17 = get_skeleton('ape17').parents


def _benchmark_module():
    path = Path(__file__).parents[2] / 'tools' / 'benchmarks' / 'sebirenet.py'
    spec = importlib.util.spec_from_file_location('benchmarks_sebirenet', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = _benchmark_module()


@pytest.fixture(autouse=True)
def one_thread():
    """The tensors here are far too small to be shared out."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def random_tree(joints, seed):
    """A tree whose root, order and child counts are all random."""
    draw = random.Random(seed)
    names = list(range(joints))
    draw.shuffle(names)
    parents = [-1] * joints
    for place in range(1, joints):
        parents[names[place]] = names[draw.randrange(max(0, place - 6), place)]
    return tuple(parents)


TREES = {
    'ape17': APE17,
    'single': (-1,),
    'chain': (1, 2, 3, -1),
    'star': (2, 2, -1, 2, 2),
    'random9': random_tree(9, 0),
    'random23': random_tree(23, 1),
    'random40': random_tree(40, 2),
}

# Every kind of node: the root with two children of unlike families, a chain, leaves.
GRADCHECK_TREE = (1, -1, 1, 2, 0)


def gradients(net, x, weights):
    x = x.clone().requires_grad_()
    net.zero_grad(set_to_none=True)
    output = net(x)
    (output * weights).sum().backward()
    return output.detach(), x.grad


def node_gradients(subnet, joint):
    """The stacked gradients as :meth:`node_parameters` cuts the parameters."""
    twin = copy.deepcopy(subnet)
    with torch.no_grad():
        for into, parameter in zip(twin.parameters(), subnet.parameters()):
            into.copy_(parameter.grad)
        return twin.node_parameters(joint)


def assert_same_as_reference(net, x, **tolerance):
    loop = reference.NodeLoopNet(net)
    with torch.no_grad():
        weights = torch.randn_like(net(x))
    found, found_x = gradients(net, x, weights)
    wanted, wanted_x = gradients(loop, x, weights)
    torch.testing.assert_close(found, wanted, **tolerance)
    torch.testing.assert_close(found_x, wanted_x, **tolerance)
    for subnet, plain in ((net.up, loop.up), (net.down, loop.down)):
        if subnet is None:
            continue
        for joint, cell in enumerate(plain.cells):
            grads = node_gradients(subnet, joint)
            torch.testing.assert_close(grads['weight_ih'], cell.weight_ih.grad, **tolerance)
            torch.testing.assert_close(grads['weight_hh'], cell.weight_hh.grad, **tolerance)
            if 'bias' in grads:
                torch.testing.assert_close(grads['bias'], cell.bias_ih.grad, **tolerance)
            if 'weight_o' in grads:
                layer = plain.outputs[joint]
                used = layer.weight.grad is not None
                for name, parameter in (('weight_o', layer.weight), ('bias_o', layer.bias)):
                    wanted = parameter.grad if used else torch.zeros_like(parameter)
                    torch.testing.assert_close(grads[name], wanted, **tolerance)


@pytest.mark.parametrize('structure', STRUCTURES)
@pytest.mark.parametrize('cell', ['gru', 'lstm'])
@pytest.mark.parametrize('gate_bias, output_layer', [(False, True), (True, False), (True, True)])
def test_equals_node_loop_on_the_papers_tree(structure, cell, gate_bias, output_layer):
    torch.manual_seed(0)
    net = SeBiReNet(APE17, 3, 8, cell, gate_bias, output_layer, structure)
    x = torch.randn(6, 17, 3)
    assert_same_as_reference(net, x, atol=1e-5, rtol=1e-5)
    assert_same_as_reference(net.double(), x.double(), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize('structure', STRUCTURES)
@pytest.mark.parametrize('cell', ['gru', 'lstm'])
@pytest.mark.parametrize('tree', sorted(set(TREES) - {'ape17'}))
def test_equals_node_loop_on_any_tree(structure, cell, tree):
    torch.manual_seed(1)
    net = SeBiReNet(TREES[tree], 4, 5, cell, structure=structure).double()
    x = torch.randn(3, len(TREES[tree]), 4, dtype=torch.float64)
    assert_same_as_reference(net, x, atol=1e-12, rtol=1e-12)


def test_equals_node_loop_at_the_published_size():
    torch.manual_seed(2)
    net = SeBiReNet(APE17, 3, 32)
    assert_same_as_reference(net, torch.randn(64, 17, 3), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('tree', ['ape17', 'random9', 'star'])
def test_gru_without_its_hand_written_backward_is_the_same(tree, monkeypatch):
    torch.manual_seed(3)
    net = SeBiReNet(TREES[tree], 3, 6, gate_bias=True, structure='recurrent').double()
    x = torch.randn(4, len(TREES[tree]), 3, dtype=torch.float64)
    weights = torch.randn(4, len(TREES[tree]), 6, dtype=torch.float64)
    by_hand = [*gradients(net, x, weights), *(p.grad for p in net.parameters())]
    monkeypatch.setattr(tree_rnn, '_shows_its_steps', lambda x: True)
    by_autograd = [*gradients(net, x, weights), *(p.grad for p in net.parameters())]
    torch.testing.assert_close(by_hand, by_autograd, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize('cell', ['gru', 'lstm'])
@pytest.mark.parametrize('structure', STRUCTURES)
def test_gradcheck(cell, structure):
    torch.manual_seed(4)
    net = SeBiReNet(GRADCHECK_TREE, 1, 2, cell, True, structure=structure).double()
    x = torch.randn(1, 5, 1, dtype=torch.float64, requires_grad=True)
    parameters = dict(net.named_parameters())

    def function(x, *values):
        return torch.func.functional_call(net, dict(zip(parameters, values)), (x,))

    assert torch.autograd.gradcheck(function, (x, *parameters.values()))


def test_parameter_count_is_the_papers():
    inputs, hidden = 3, 32

    def node(neighbours):
        return (3 * inputs + (3 * neighbours + 4) * hidden + 1) * hidden

    net = SeBiReNet(APE17, inputs, hidden)
    total = sum(p.numel() for p in net.parameters())
    assert total == 6 * node(0) + 26 * node(1) + 2 * node(3)
    for subnet in (net.up, net.down):
        for joint in range(17):
            count = sum(p.numel() for p in subnet.node_parameters(joint).values())
            assert count == node(len(subnet.plan.neighbours(joint, subnet.direction)))


def test_unused_output_layers_can_be_left_out():
    full = SeBiReNet(APE17, 3, 8)
    lean = SeBiReNet(APE17, 3, 8, unused_output=False)
    saved = sum(p.numel() for p in full.parameters()) - sum(p.numel() for p in lean.parameters())
    assert saved == 17 * (8 + 1) * 8
    assert set(full.state_dict()) - set(lean.state_dict()) == {'up.weight_o', 'up.bias_o'}
    lean.load_state_dict(full.state_dict(), strict=False)
    x = torch.randn(2, 17, 3)
    torch.testing.assert_close(lean(x), full(x))


@pytest.mark.parametrize('cell', ['gru', 'lstm'])
@pytest.mark.parametrize('structure', STRUCTURES)
@pytest.mark.parametrize('tree', ['ape17', 'single'])
def test_every_parameter_gets_a_gradient(cell, structure, tree):
    net = SeBiReNet(TREES[tree], 3, 4, cell, structure=structure)
    net(torch.randn(2, len(TREES[tree]), 3)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    if structure in ('sebirenet', 'recurrent'):
        assert not net.up.weight_o.grad.any()


def test_trains_under_ddp_without_searching_unused_parameters(tmp_path):
    torch.distributed.init_process_group('gloo', init_method=f'file://{tmp_path}/store',
                                         rank=0, world_size=1)
    try:
        net = nn.parallel.DistributedDataParallel(SeBiReNet(APE17, 3, 4))
        for _ in range(2):
            net(torch.randn(2, 17, 3)).sum().backward()
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.parametrize('structure, channels', [
    ('sebirenet', 8), ('leaf_to_root', 8), ('root_to_leaf', 8), ('concatenated', 16),
    ('recurrent', 8)])
def test_out_channels(structure, channels):
    net = SeBiReNet(APE17, 3, 8, structure=structure)
    assert net.out_channels == channels
    assert net(torch.randn(2, 17, 3)).shape == (2, 17, channels)
    assert net(torch.randn(17, 3)).shape == (17, channels)
    assert net(torch.randn(0, 17, 3)).shape == (0, 17, channels)


def test_leading_axes_are_a_batch():
    net = SeBiReNet(APE17, 3, 8)
    x = torch.randn(2, 5, 17, 3)
    torch.testing.assert_close(net(x), net(x.reshape(10, 17, 3)).reshape(2, 5, 17, 8))


@pytest.mark.parametrize('cell', ['gru', 'lstm'])
def test_a_batch_in_pieces_is_the_same(cell, monkeypatch):
    torch.manual_seed(6)
    net = SeBiReNet(APE17, 3, 8, cell).double()
    x, weights = torch.randn(21, 17, 3).double(), torch.randn(21, 17, 8).double()
    whole = [*gradients(net, x, weights), *(p.grad for p in net.parameters())]
    monkeypatch.setattr(tree_rnn, 'CHUNK', 8)
    pieces = [*gradients(net, x, weights), *(p.grad for p in net.parameters())]
    torch.testing.assert_close(whole, pieces, atol=1e-12, rtol=1e-12)


def test_a_pose_does_not_depend_on_its_batch():
    net = SeBiReNet(APE17, 3, 8).double()
    x = torch.randn(7, 17, 3).double()
    torch.testing.assert_close(net(x)[3:5], net(x[3:5]))


def test_two_uses_before_one_backward():
    torch.manual_seed(7)
    net = SeBiReNet(APE17, 3, 8).double()
    a, b = torch.randn(2, 4, 17, 3).double().unbind()
    (net(a).square().sum() + net(b).square().sum()).backward()
    together = [p.grad.clone() for p in net.parameters()]
    net.zero_grad()
    for x in (a, b):
        net(x).square().sum().backward()
    torch.testing.assert_close(together, [p.grad for p in net.parameters()])


def test_backward_leaves_the_incoming_gradient_alone():
    net = SeBiReNet(APE17, 3, 8, output_layer=False)
    output = net(torch.randn(4, 17, 3))
    gradient = torch.randn_like(output)
    kept = gradient.clone()
    output.backward(gradient, retain_graph=True)
    first = net.down.weight_x.grad.clone()
    net.zero_grad()
    output.backward(gradient)
    assert torch.equal(gradient, kept)
    torch.testing.assert_close(first, net.down.weight_x.grad)


def test_inputs_that_are_not_contiguous():
    net = SeBiReNet(APE17, 3, 8)
    x = torch.randn(17, 3, 5).permute(2, 0, 1)
    torch.testing.assert_close(net(x), net(x.contiguous()))


def test_information_reaches_every_joint_only_in_both_directions():
    """Leaf to root a joint sees its subtree, root to leaf its ancestors, SeBiReNet the tree."""
    ancestors = {j: {j} for j in range(17)}
    for joint in range(17):
        at = joint
        while APE17[at] >= 0:
            at = APE17[at]
            ancestors[joint].add(at)
    for structure in ('leaf_to_root', 'root_to_leaf', 'sebirenet'):
        net = SeBiReNet(APE17, 3, 8, structure=structure).double()
        x = torch.randn(1, 17, 3, dtype=torch.float64, requires_grad=True)
        for joint in range(17):
            gradient, = torch.autograd.grad(net(x)[0, joint].sum(), x)
            seen = {j for j in range(17) if gradient[0, j].any()}
            if structure == 'leaf_to_root':
                assert seen == {j for j in range(17) if joint in ancestors[j]}
            elif structure == 'root_to_leaf':
                assert seen == ancestors[joint]
            else:
                # Joint j is told of all that its ancestors' subtrees hold; the root's is the tree.
                assert seen == set(range(17))


def test_subnets_share_their_states():
    torch.manual_seed(8)
    net = SeBiReNet(APE17, 3, 8, output_layer=False).double()
    x = torch.randn(4, 17, 3).double()
    _, state = net.up(x)
    output, _ = net.down(x, state)
    torch.testing.assert_close(net(x), output)
    assert not torch.allclose(output, net.down(x)[0])


def test_recurrent_once_is_sebirenet():
    once = SeBiReNet(APE17, 3, 8, structure='recurrent', num_passes=1)
    net = SeBiReNet(APE17, 3, 8)
    once.load_state_dict(net.state_dict())
    x = torch.randn(4, 17, 3)
    torch.testing.assert_close(once(x), net(x))
    twice = SeBiReNet(APE17, 3, 8, structure='recurrent')
    twice.load_state_dict(net.state_dict())
    assert twice.num_passes == 2
    assert not torch.allclose(twice(x), net(x))


def test_autocast_runs_products_in_low_precision():
    net = SeBiReNet(APE17, 3, 8)
    x = torch.randn(4, 17, 3)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        output = net(x)
    output.float().sum().backward()
    torch.testing.assert_close(output.float(), net(x), atol=3e-2, rtol=0)
    assert all(p.grad.dtype == torch.float32 for p in net.parameters())


def test_inference_and_frozen_weights():
    net = SeBiReNet(APE17, 3, 8)
    x = torch.randn(4, 17, 3)
    with torch.no_grad():
        output = net(x)
    assert not output.requires_grad
    torch.testing.assert_close(output, net(x))
    net.requires_grad_(False)
    assert not net(x).requires_grad
    x.requires_grad_()
    net(x).sum().backward()
    assert x.grad.abs().sum() > 0


def test_learns():
    torch.manual_seed(9)
    net = SeBiReNet(APE17, 3, 8)
    x = torch.randn(64, 17, 3)
    target = x.mean(1, keepdim=True).tanh().expand(-1, 17, -1)
    head = nn.Linear(8, 3)
    optimizer = torch.optim.Adam([*net.parameters(), *head.parameters()], 1e-2)
    losses = []
    for _ in range(40):
        loss = (head(net(x)) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


@pytest.mark.parametrize('tree', sorted(TREES))
def test_plan_covers_the_tree(tree):
    parents = TREES[tree]
    plan = TreePlan(parents)
    assert sorted(plan.order) == list(range(len(parents)))
    assert [plan.order[p] for p in plan.position] == list(range(len(parents)))
    assert sum(plan.sizes) == len(parents)
    told = []
    for runs in plan.runs:
        for run in runs:
            kids = plan.order[run.first:run.last]
            assert len(kids) == run.children * (run.stop - run.start)
            for index, kid in enumerate(kids):
                assert parents[kid] == plan.order[run.start + index // run.children]
            told += kids
    assert sorted(told + [plan.order[0]]) == list(range(len(parents)))


def test_plan_has_one_step_per_level_of_the_papers_tree():
    plan = TreePlan(APE17)
    assert plan.sizes == [1, 3, 3, 5, 3, 2]
    assert max(len(families) for families in plan.families) == 2


@pytest.mark.parametrize('parents, message', [
    ((0, 0), 'one root'), ((-1, -1), 'one root'), ((), 'one root'), ((-1, 5), 'not a joint'),
    ((-1, 2, 1), 'cycle'), ((-1, 1), 'cycle')])
def test_what_is_not_a_tree_is_refused(parents, message):
    with pytest.raises(ValueError, match=message):
        TreePlan(parents)


@pytest.mark.parametrize('options, message', [
    (dict(cell='rnn'), 'cell is'), (dict(structure='both'), 'structure is one of'),
    (dict(num_passes=2), 'cannot run'), (dict(structure='recurrent', num_passes=0), 'cannot run'),
    (dict(hidden_channels=0), 'must be positive')])
def test_unknown_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SeBiReNet(**{**dict(parents=APE17, in_channels=3, hidden_channels=8), **options})


def test_unknown_direction_is_refused():
    with pytest.raises(ValueError, match='direction is'):
        TreeSubnet(APE17, 3, 8, 'sideways')


@pytest.mark.parametrize('shape', [(4, 16, 3), (4, 17, 2), (3,)])
def test_input_that_does_not_fit_is_refused(shape):
    with pytest.raises(ValueError, match='17, 3'):
        SeBiReNet(APE17, 3, 8)(torch.randn(shape))


def test_state_dict_is_parameters_only_and_survives_a_copy():
    net = SeBiReNet(APE17, 3, 8)
    assert set(net.state_dict()) == {name for name, _ in net.named_parameters()}
    twin = copy.deepcopy(net)
    x = torch.randn(2, 17, 3)
    torch.testing.assert_close(twin(x), net(x))


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which(os.environ.get('CXX', 'g++')), reason='needs a C++ compiler')
@pytest.mark.parametrize('cell', ['gru', 'lstm'])
def test_compiled_is_the_same(cell):
    torch.manual_seed(10)
    net = SeBiReNet(APE17, 3, 8, cell)
    compiled = torch.compile(net, fullgraph=True, dynamic=False)
    x, weights = torch.randn(6, 17, 3), torch.randn(6, 17, 8)
    found = [*gradients(compiled, x, weights), *(p.grad for p in net.parameters())]
    wanted = [*gradients(net, x, weights), *(p.grad for p in net.parameters())]
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_benchmark_gives_flat_numbers():
    found = reference.run(sizes=(4,), hidden_channels=4, compiled_sizes=(), seconds=.05)
    assert set(found) == {'loop_ms_4', 'level_ms_4', 'ratio_4'}
    assert all(isinstance(value, float) and value > 0 for value in found.values())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
@pytest.mark.parametrize('structure', STRUCTURES)
def test_on_a_gpu(structure):
    torch.manual_seed(11)
    net = SeBiReNet(APE17, 3, 8, structure=structure).double()
    x = torch.randn(6, 17, 3).double()
    weights = torch.randn(6, 17, net.out_channels).double()
    wanted = [*gradients(net, x, weights), *(p.grad for p in net.parameters())]
    net.cuda()
    found = [*gradients(net, x.cuda(), weights.cuda()), *(p.grad for p in net.parameters())]
    torch.testing.assert_close([t.cpu() for t in found], wanted, atol=1e-10, rtol=1e-10)
