"""The tree GRU's pass with a backward written by hand.

A pass is some tens of small kernels, so what autograd adds to each of them counts. Here the whole pass
is one node of the graph, gates are computed in place, and everything in the backward that does not
depend on the order of the levels is computed for all nodes at once: what is left for a level is one
product with precomputed factors and the message to its neighbours.

All tensors are ``(K, channels, N)`` in the plan's level order, see :mod:`.tree_rnn`.
"""
from typing import List, Optional, Sequence, Tuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ['as_one', 'sweep_with_state', 'sweep_without_state']


def sweep_without_state(plan, upward: bool, parent_of: Tensor, x: Tensor, weight_x: Tensor,
                        weight_e: Tensor, bias: Optional[Tensor]) -> Tensor:
    """A pass that starts from zero: h = (1 - z) n.

    Args:
        plan: The :class:`TreePlan`.
        upward: Leaf to root, or root to leaf.
        parent_of: Position of the parent of each node but the root (K-1,).
        x: Input (K, C, N).
        weight_x: (K, 2 H, C), rows z, n; the reset gate has nothing to reset.
        weight_e: (K-1, H, 2 H) upward, (K-1, 2 H, H) downward.
        bias: (K, 2 H) or None.

    Returns:
        Hidden states (K, H, N).
    """
    return _WithoutState.apply(plan, upward, parent_of, x, weight_x, weight_e, bias)


def sweep_with_state(plan, upward: bool, parent_of: Tensor, x: Tensor, hidden: Tensor,
                     weight_x: Tensor, weight_e: Tensor, weight_h: Tensor,
                     bias: Optional[Tensor]) -> Tensor:
    """A pass over shared hidden states: h' = (1 - z) n + z h.

    Args:
        plan, upward, parent_of, x: As above.
        hidden: Shared hidden states (K, H, N).
        weight_x: (K, 3 H, C), rows r, z, n.
        weight_e: (K-1, H, 3 H) upward, (K-1, 3 H, H) downward.
        weight_h: (K, 3 H, H), rows n, r, z.
        bias: (K, 3 H) or None.

    Returns:
        New hidden states (K, H, N).
    """
    return _WithState.apply(plan, upward, parent_of, x, hidden, weight_x, weight_e, weight_h, bias)


class _WithoutState(torch.autograd.Function):

    @staticmethod
    def forward(ctx, plan, upward, parent_of, x, weight_x, weight_e, bias):
        ctx.plan, ctx.upward, ctx.biased = plan, upward, bias is not None
        gates = _input_product(x, weight_x, bias)
        size = weight_x.shape[1] // 2
        h = gates.new_empty(len(gates), size, gates.shape[2])
        z_levels = gates[:, :size].split(plan.sizes)
        n_levels = gates[:, size:].split(plan.sizes)
        h_levels = h.split(plan.sizes)
        for depth in _depths(plan, upward):
            _receive(plan, upward, depth, gates, h, weight_e)
            z, n = z_levels[depth].sigmoid_(), n_levels[depth].tanh_()
            torch.addcmul(n, z, n, value=-1, out=h_levels[depth])
        ctx.save_for_backward(x, weight_x, weight_e, parent_of, gates, h)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        x, weight_x, weight_e, parent_of, gates, h = ctx.saved_tensors
        plan, upward = ctx.plan, ctx.upward
        size = h.shape[1]
        z, n = gates[:, :size], gates[:, size:]
        # d(gates) = factors * dh
        d_gates = torch.empty_like(gates)
        torch.mul(h, z, out=d_gates[:, :size]).neg_()
        torch.ops.aten.tanh_backward.grad_input(1 - z, n, grad_input=d_gates[:, size:])
        _apply_factors(plan, upward, d_gates.unflatten(1, (2, size)), d_gates, grad, weight_e)
        d_e = _edge_gradient(plan, upward, parent_of, d_gates, h)
        d_x = _input_gradient(d_gates, weight_x) if ctx.needs_input_grad[3] else None
        d_weight = torch.bmm(d_gates, x.transpose(1, 2))
        return None, None, None, d_x, d_weight, d_e, d_gates.sum(2) if ctx.biased else None


class _WithState(torch.autograd.Function):

    @staticmethod
    def forward(ctx, plan, upward, parent_of, x, hidden, weight_x, weight_e, weight_h, bias):
        ctx.plan, ctx.upward, ctx.biased = plan, upward, bias is not None
        size = hidden.shape[1]
        hidden = hidden.contiguous()
        gates = _input_product(x, weight_x, bias)
        product = torch.bmm(weight_h, hidden)
        gates[:, :2 * size] += product[:, size:]
        h = torch.empty_like(hidden)
        r_levels = gates[:, :size].split(plan.sizes)
        z_levels = gates[:, size:2 * size].split(plan.sizes)
        rz_levels = gates[:, :2 * size].split(plan.sizes)
        n_levels = gates[:, 2 * size:].split(plan.sizes)
        p_levels = product[:, :size].split(plan.sizes)
        h_levels, old_levels = h.split(plan.sizes), hidden.split(plan.sizes)
        for depth in _depths(plan, upward):
            _receive(plan, upward, depth, gates, h, weight_e)
            rz_levels[depth].sigmoid_()
            n = n_levels[depth].addcmul_(r_levels[depth], p_levels[depth]).tanh_()
            torch.lerp(n, old_levels[depth], z_levels[depth], out=h_levels[depth])
        ctx.save_for_backward(x, hidden, weight_x, weight_e, weight_h, parent_of, gates, product, h)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        x, hidden, weight_x, weight_e, weight_h, parent_of, gates, product, h = ctx.saved_tensors
        plan, upward = ctx.plan, ctx.upward
        joints, size, batch = h.shape
        r, z, n = gates.unflatten(1, (3, size)).unbind(1)
        # Rows n_state, r, z, n_input: the gradients of both products are slices of three.
        d_gates = gates.new_empty(joints, 4 * size, batch)
        d_ns, d_r, d_z, d_nx = d_gates.unflatten(1, (4, size)).unbind(1)
        scratch = 1 - z
        torch.ops.aten.tanh_backward.grad_input(scratch, n, grad_input=d_nx)
        torch.sub(hidden, n, out=scratch)
        torch.ops.aten.sigmoid_backward.grad_input(scratch, z, grad_input=d_z)
        torch.mul(d_nx, product[:, :size], out=scratch)
        torch.ops.aten.sigmoid_backward.grad_input(scratch, r, grad_input=d_r)
        torch.mul(d_nx, r, out=d_ns)
        d_input, d_state = d_gates[:, size:], d_gates[:, :3 * size]
        d_h = _apply_factors(plan, upward, d_gates.unflatten(1, (4, size)), d_input, grad, weight_e)
        d_hidden = d_h.mul_(z).baddbmm_(weight_h.transpose(1, 2), d_state)
        d_e = _edge_gradient(plan, upward, parent_of, d_input, h)
        d_x = _input_gradient(d_input, weight_x) if ctx.needs_input_grad[3] else None
        d_weight_x = torch.bmm(d_input, x.transpose(1, 2))
        d_weight_h = torch.bmm(d_state, hidden.transpose(1, 2))
        d_bias = d_input.sum(2) if ctx.biased else None
        return None, None, None, d_x, d_hidden, d_weight_x, d_e, d_weight_h, d_bias


def _depths(plan, upward: bool) -> Sequence[int]:
    return range(len(plan.levels) - 1, -1, -1) if upward else range(len(plan.levels))


def _input_product(x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    if bias is None:
        return torch.bmm(weight, x)
    return torch.baddbmm(bias.unsqueeze(2), weight, x)


def _input_gradient(d_gates: Tensor, weight: Tensor) -> Tensor:
    return torch.bmm(d_gates.transpose(1, 2), weight).transpose(1, 2)


def _receive(plan, upward: bool, depth: int, gates: Tensor, h: Tensor, weight_e: Tensor) -> None:
    """Adds to the gates of a level the products with the states of its children or parents."""
    if not upward and not depth:
        return
    for start, stop, first, last, children in plan.families[depth if upward else depth - 1]:
        weight = as_one(weight_e[first - 1:last - 1], children)
        if upward:
            gates[start:stop].baddbmm_(weight.transpose(1, 2), as_one(h[first:last], children))
        else:
            as_one(gates[first:last], children).baddbmm_(weight, h[start:stop])


def as_one(siblings: Tensor, children: int) -> Tensor:
    """(n children, rows, columns) -> (n, children rows, columns)."""
    if children == 1:
        return siblings
    count, rows, columns = siblings.shape
    return siblings.reshape(count // children, children * rows, columns)


def _apply_factors(plan, upward: bool, factors: Tensor, d_gates: Tensor, grad: Tensor,
                   weight_e: Tensor) -> Tensor:
    """Walks the levels backwards and turns the factors into the gates' gradients, in place.

    Args:
        plan, upward, weight_e: As above.
        factors: d(gate) / d(hidden state), (K, gates, H, N).
        d_gates: The part of the same memory that belongs to the input product (K, gates H, N).
        grad: Gradient of the hidden states (K, H, N).

    Returns:
        Gradient of the hidden states, messages included.
    """
    d_h = grad.clone(memory_format=torch.contiguous_format)
    d_levels, f_levels = d_h.unsqueeze(1).split(plan.sizes), factors.split(plan.sizes)
    for depth in _depths(plan, not upward):
        f_levels[depth].mul_(d_levels[depth])
        if not upward and not depth:
            break
        for start, stop, first, last, children in plan.families[depth if upward else depth - 1]:
            weight = weight_e[first - 1:last - 1]
            if upward:
                as_one(d_h[first:last], children).baddbmm_(as_one(weight, children),
                                                            d_gates[start:stop])
            else:
                for child in range(children):
                    d_h[start:stop].baddbmm_(weight[child::children].transpose(1, 2),
                                             d_gates[first + child:last:children])
    return d_h


def _edge_gradient(plan, upward: bool, parent_of: Tensor, d_gates: Tensor, h: Tensor) -> Tensor:
    if upward:
        return torch.bmm(h[1:], d_gates.index_select(0, parent_of).transpose(1, 2))
    return torch.bmm(d_gates[1:], h.index_select(0, parent_of).transpose(1, 2))
