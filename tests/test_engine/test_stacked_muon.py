"""Muon on stacks of matrices, Adam on the rest."""
import copy

import pytest
import torch
from mmengine.optim import build_optim_wrapper

from mmviewpose.engine.optimizers import StackedMuon
from mmviewpose.engine.optimizers.stacked_muon import orthogonalise
from mmviewpose.errors import UserError
from mmviewpose.layers.tree_rnn import SeBiReNet


def test_orthogonalised_matrices_keep_their_singular_vectors():
    matrices = torch.randn(20, 8, 24, dtype=torch.float64)
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    along = u.transpose(1, 2) @ orthogonalise(matrices) @ v.transpose(1, 2)
    values = along.diagonal(dim1=1, dim2=2)
    assert values.min() > 0.6 and values.max() < 1.3
    torch.testing.assert_close(along, torch.diag_embed(values))
    assert not orthogonalise(torch.zeros(2, 3, 4)).any()


def _reference(matrix: torch.Tensor, gradients: list, lr: float, momentum: float) -> torch.Tensor:
    """Muon on one matrix, written out."""
    average = torch.zeros_like(matrix)
    for gradient in gradients:
        average = momentum * average + (1 - momentum) * gradient
        x = (1 - momentum) * gradient + momentum * average
        tall = x.shape[0] > x.shape[1]
        x = x.T if tall else x
        x = x / x.norm()
        for _ in range(5):
            gram = x @ x.T
            x = 3.4445 * x - 4.7750 * gram @ x + 2.0315 * gram @ gram @ x
        size = max(1, matrix.shape[0] / matrix.shape[1]) ** 0.5
        matrix = matrix - lr * size * (x.T if tall else x)
    return matrix


@pytest.mark.parametrize('axis', [0, 1, 2])
def test_the_stack_may_lie_along_another_axis(axis):
    start, gradient = torch.randn(2, 5, 6, 4, dtype=torch.float64)
    moved = []
    for place in (0, axis):
        stack = torch.nn.Parameter(start.movedim(0, place).clone())
        stack.grad = gradient.movedim(0, place)
        StackedMuon([stack], lr=0.1, stack_axis=place).step()
        moved.append(stack.detach().movedim(place, 0))
    torch.testing.assert_close(*moved)


@pytest.mark.parametrize('shape', [(5, 6, 4), (5, 4, 6), (5, 4, 4)])
def test_each_matrix_of_a_stack_moves_as_if_it_were_alone(shape):
    stack = torch.nn.Parameter(torch.randn(shape, dtype=torch.float64))
    # Another of the same shape, transposed: both are orthogonalised in one batch.
    other = torch.nn.Parameter(torch.randn(3, shape[2], shape[1], dtype=torch.float64))
    start, gradients = stack.detach().clone(), torch.randn(4, *shape, dtype=torch.float64)
    optimizer = StackedMuon([stack, other], lr=0.1, momentum=0.9)
    for gradient in gradients:
        stack.grad, other.grad = gradient.clone(), torch.randn_like(other)
        optimizer.step()
    expected = torch.stack([_reference(start[node], gradients[:, node], 0.1, 0.9)
                            for node in range(shape[0])])
    torch.testing.assert_close(stack.detach(), expected)


@pytest.mark.parametrize('shape', [(5, 7), (7, 5), (6, 2, 3, 3), (2, 6, 3, 3)])
def test_dense_layers_and_convolutions_are_one_matrix_each(shape):
    param = torch.nn.Parameter(torch.randn(shape, dtype=torch.float64))
    if len(shape) == 4:  # as networks of images lie in memory
        param.data = param.data.contiguous(memory_format=torch.channels_last)
    start, gradients = param.detach().clone(), torch.randn(3, *shape, dtype=torch.float64)
    optimizer = StackedMuon([param], lr=0.1, momentum=0.9, axes=(2, 4))
    for gradient in gradients:
        param.grad = gradient.clone()
        optimizer.step()
    expected = _reference(start.flatten(1), list(gradients.flatten(2)), 0.1, 0.9)
    torch.testing.assert_close(param.detach().flatten(1), expected)


def test_large_matrices_are_left_to_adam():
    small, large = (torch.nn.Parameter(torch.zeros(4, columns)) for columns in (4, 5))
    for param in (small, large):
        param.grad = torch.randn_like(param)
    StackedMuon([small, large], lr=1., adam_ratio=0.25, axes=(2,), largest=20).step()
    torch.testing.assert_close(large.abs(), torch.full((4, 5), 0.25))  # Adam's first step
    assert not small.abs().allclose(torch.tensor(0.25))


def test_axes_of_no_matrix_are_refused():
    with pytest.raises(ValueError, match='axes must be some of 2, 3 and 4'):
        StackedMuon([torch.nn.Parameter(torch.zeros(3))], axes=(1, 2))


def test_states_from_before_there_were_axes_still_load():
    param = torch.nn.Parameter(torch.zeros(2, 3, 3))
    optimizer = StackedMuon([param])
    state = optimizer.state_dict()
    for name in ('stack_axis', 'axes', 'largest'):
        del state['param_groups'][0][name]
    optimizer.load_state_dict(state)
    param.grad = torch.randn_like(param)
    optimizer.step()
    assert optimizer.param_groups[0]['axes'] == (3,) and param.abs().max() > 0


def test_another_optimizers_state_is_refused():
    params = [torch.nn.Parameter(torch.zeros(2, 3))]
    with pytest.raises(UserError, match='another optimizer'):
        StackedMuon(params).load_state_dict(torch.optim.Adam(params).state_dict())


def test_axes_may_be_mixed_and_decay():
    shapes = [(4, 6), (3, 4, 6), (6, 4), (4, 6, 1, 1)]
    start = [torch.randn(shape, dtype=torch.float64) for shape in shapes]
    grads = [torch.randn_like(part) for part in start]
    together = [torch.nn.Parameter(part.clone()) for part in start]
    alone = [torch.nn.Parameter(part.clone()) for part in start]
    options = dict(lr=.1, axes=(2, 3, 4), weight_decay=.3)
    for params in (together, *([param] for param in alone)):
        for param in params:
            param.grad = grads[[p.shape for p in start].index(param.shape)].clone()
        StackedMuon(params, **options).step()
    for one, other, before, grad in zip(together, alone, start, grads):
        torch.testing.assert_close(one, other)
        if before.dim() == 2:
            torch.testing.assert_close(
                one.detach() - .97 * before, _reference(0 * before, [grad], .1, .95))


def test_all_else_moves_as_with_adam():
    ours = [torch.nn.Parameter(torch.randn(7)), torch.nn.Parameter(torch.randn(4, 3))]
    theirs = copy.deepcopy(ours)
    optimizers = [StackedMuon(ours, lr=0.04, adam_ratio=0.25, betas=(0.8, 0.9)),
                  torch.optim.Adam(theirs, lr=0.01, betas=(0.8, 0.9))]
    for _ in range(5):
        for mine, other in zip(ours, theirs):
            mine.grad = torch.randn_like(mine)
            other.grad = mine.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    torch.testing.assert_close(ours, theirs)


def test_parameters_without_gradient_stay():
    idle, zero = torch.nn.Parameter(torch.ones(2, 3, 3)), torch.nn.Parameter(torch.ones(2, 3, 3))
    zero.grad = torch.zeros_like(zero)
    StackedMuon([idle, zero]).step()
    assert (idle == 1).all() and (zero == 1).all()


def test_weight_decay_shrinks_matrices():
    stack = torch.nn.Parameter(torch.ones(2, 3, 3))
    stack.grad = torch.zeros_like(stack)
    StackedMuon([stack], lr=0.1, weight_decay=0.5).step()
    torch.testing.assert_close(stack.detach(), torch.full((2, 3, 3), 0.95))


def test_resumed_training_goes_the_same_way():
    def steps(model, optimizer, seeds):
        for seed in seeds:
            poses = torch.randn(8, 3, 3, generator=torch.Generator().manual_seed(seed))
            optimizer.zero_grad()
            model(poses).square().sum().backward()
            optimizer.step()

    model = SeBiReNet([-1, 0, 1], in_channels=3, hidden_channels=4)
    optimizer = StackedMuon(model.parameters())
    steps(model, optimizer, range(3))
    again = copy.deepcopy(model)
    resumed = StackedMuon(again.parameters())
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    steps(model, optimizer, range(3, 6))
    steps(again, resumed, range(3, 6))
    torch.testing.assert_close(list(again.parameters()), list(model.parameters()))


def test_closure_gives_the_loss():
    stack = torch.nn.Parameter(torch.ones(1, 2, 2))
    optimizer = StackedMuon([stack])

    def closure():
        optimizer.zero_grad()
        loss = stack.square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 4
    assert (stack < 1).any()


def test_builds_from_a_config_of_any_scope():
    model = SeBiReNet([-1, 0, 1], in_channels=3, hidden_channels=4)
    wrapper = build_optim_wrapper(model, dict(optimizer=dict(type='mmviewpose.StackedMuon', lr=1.)))
    assert isinstance(wrapper.optimizer, StackedMuon)
