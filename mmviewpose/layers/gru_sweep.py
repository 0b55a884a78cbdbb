"""The tree GRU's pass with a backward written by hand.

A pass is some tens of small kernels, so what autograd adds to each of them counts. Here the whole pass
is one node of the graph, gates are computed in place, and everything in the backward that does not
depend on the order of the levels is computed for all nodes at once: what is left for a level is one
product with precomputed factors and the message to its neighbours.

All tensors are ``(K, channels, N)`` in the plan's level order, see :mod:`.tree_rnn`.
"""
from typing import Optional, Sequence, Tuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ['as_one', 'sweep_with_state', 'sweep_without_state']


def sweep_without_state(plan, upward: bool, x: Tensor, weight_x: Tensor, weight_e: Tensor,
                        bias: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
    """A pass that starts from zero: h = (1 - z) n. The reset gate has nothing to reset.

    Args:
        plan: The :class:`TreePlan`.
        upward: Leaf to root, or root to leaf.
        x: Input (K, C, N).
        weight_x: (K, 3 H, C), rows r, z, n.
        weight_e: (K-1, H, 3 H) upward, (K-1, 3 H, H) downward.
        bias: (K, 3 H) or None.

    Returns:
        Hidden states (K, H, N), and the same once more as (K, N, H).
    """
    return _WithoutState.apply(plan, upward, x, weight_x, weight_e, bias)


def sweep_with_state(plan, upward: bool, x: Tensor, hidden: Tensor, hidden_rows: Tensor,
                     weight_x: Tensor, weight_e: Tensor, weight_h: Tensor,
                     bias: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
    """A pass over shared hidden states: h' = (1 - z) n + z h.

    Args:
        plan, upward, x, weight_x, weight_e, bias: As above.
        hidden: Shared hidden states (K, H, N).
        hidden_rows: The same as (K, N, H). All gradient goes to ``hidden``.
        weight_h: (K, 3 H, H), rows n, r, z.

    Returns:
        New hidden states (K, H, N), and the same once more as (K, N, H).
    """
    return _WithState.apply(plan, upward, x, hidden, hidden_rows, weight_x, weight_e, weight_h, bias)


class _WithoutState(torch.autograd.Function):

    @staticmethod
    def forward(ctx, plan, upward, x, weight_x, weight_e, bias):
        ctx.set_materialize_grads(False)
        ctx.plan, ctx.upward, ctx.biased = plan, upward, bias is not None
        size = weight_x.shape[1] // 3
        weight_x, weight_e = _without_reset(upward, size, weight_x, weight_e)
        gates = _input_product(x, weight_x, None if bias is None else bias[:, size:])
        h = gates.new_empty(len(gates), size, gates.shape[2])
        z_levels = gates[:, :size].split(plan.sizes)
        n_levels = gates[:, size:].split(plan.sizes)
        h_levels = h.split(plan.sizes)
        for depth in _depths(plan, upward):
            _receive(plan, upward, depth, gates, h, weight_e)
            z, n = z_levels[depth].sigmoid_(), n_levels[depth].tanh_()
            torch.addcmul(n, z, n, value=-1, out=h_levels[depth])
        rows = _rows(h)
        ctx.save_for_backward(x, weight_x, weight_e, gates, h, rows)
        return h, rows

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, grad_rows):
        if grad is None and grad_rows is None:
            return (None,) * 6
        x, weight_x, weight_e, gates, h, rows = ctx.saved_tensors
        plan, upward = ctx.plan, ctx.upward
        joints, size, _ = h.shape
        z, n = gates[:, :size], gates[:, size:]
        d_gates = torch.empty_like(gates)
        torch.addcmul(h.new_zeros(()), h, z, value=-1, out=d_gates[:, :size])
        torch.ops.aten.tanh_backward.grad_input(1 - z, n, grad_input=d_gates[:, size:])
        d_h = _collect(h, grad, grad_rows)
        _apply_factors(plan, upward, d_gates.unflatten(1, (2, size)), d_gates, d_h, weight_e)

        d_x = _input_gradient(d_gates, weight_x) if ctx.needs_input_grad[2] else None
        d_weight_x = h.new_zeros(joints, 3 * size, x.shape[1])
        d_weight_x[:, size:] = torch.bmm(d_gates, x.transpose(1, 2))
        d_edges = _edge_gradient(plan, upward, d_gates, rows)
        d_weight_e = h.new_zeros(joints - 1, *((size, 3 * size) if upward else (3 * size, size)))
        if upward:
            d_weight_e[:, :, size:] = d_edges.transpose(1, 2)
        else:
            d_weight_e[:, size:] = d_edges
        d_bias = None
        if ctx.biased:
            d_bias = h.new_zeros(joints, 3 * size)
            torch.sum(d_gates, 2, out=d_bias[:, size:])
        return None, None, d_x, d_weight_x, d_weight_e, d_bias


class _WithState(torch.autograd.Function):

    @staticmethod
    def forward(ctx, plan, upward, x, hidden, hidden_rows, weight_x, weight_e, weight_h, bias):
        ctx.set_materialize_grads(False)
        ctx.plan, ctx.upward, ctx.biased = plan, upward, bias is not None
        size = hidden.shape[1]
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
        rows = _rows(h)
        ctx.save_for_backward(x, hidden, hidden_rows, weight_x, weight_e, weight_h, gates, product,
                              rows)
        return h, rows

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, grad_rows):
        if grad is None and grad_rows is None:
            return (None,) * 9
        (x, hidden, hidden_rows, weight_x, weight_e, weight_h, gates, product,
         rows) = ctx.saved_tensors
        plan, upward = ctx.plan, ctx.upward
        joints, size, batch = hidden.shape
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
        d_h = _collect(hidden, grad, grad_rows)
        _apply_factors(plan, upward, d_gates.unflatten(1, (4, size)), d_input, d_h, weight_e)

        d_hidden = d_h.mul_(z).baddbmm_(weight_h.transpose(1, 2), d_state)
        d_x = _input_gradient(d_input, weight_x) if ctx.needs_input_grad[2] else None
        d_weight_x = torch.bmm(d_input, x.transpose(1, 2))
        d_weight_h = torch.bmm(d_state, hidden_rows)
        d_weight_e = _edge_gradient(plan, upward, d_input, rows)
        if upward:
            d_weight_e = d_weight_e.transpose(1, 2)
        d_bias = d_input.sum(2) if ctx.biased else None
        return None, None, d_x, d_hidden, None, d_weight_x, d_weight_e, d_weight_h, d_bias


def _without_reset(upward: bool, size: int, weight_x: Tensor, weight_e: Tensor):
    return weight_x[:, size:], weight_e[:, :, size:] if upward else weight_e[:, size:]


def _rows(h: Tensor) -> Tensor:
    """(K, H, N) -> (K, N, H) in memory: as the right factor of a product over N it is twice as fast."""
    return h.transpose(1, 2).contiguous()


def _collect(like: Tensor, grad: Optional[Tensor], grad_rows: Optional[Tensor]) -> Tensor:
    """Gradient of the hidden states (K, H, N) from those of the two forms, in memory of its own."""
    if grad is None:
        return torch.empty_like(like).copy_(grad_rows.transpose(1, 2))
    if grad_rows is None:
        return torch.empty_like(like).copy_(grad)
    return torch.add(grad, grad_rows.transpose(1, 2), out=torch.empty_like(like))


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


def _apply_factors(plan, upward: bool, factors: Tensor, d_gates: Tensor, d_h: Tensor,
                   weight_e: Tensor) -> None:
    """Walks the levels backwards; turns factors into gradients of the gates, in place.

    Args:
        plan, upward, weight_e: As above.
        factors: d(gate) / d(hidden state), (K, gates, H, N); becomes d(loss) / d(gate).
        d_gates: The part of that memory that belongs to the input product (K, gates H, N).
        d_h: Gradient of the hidden states (K, H, N); the messages are added.
    """
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


def _edge_gradient(plan, upward: bool, d_gates: Tensor, rows: Tensor) -> Tensor:
    """Gradient of the edges' weights (K-1, gates H, H)."""
    found = rows.new_empty(len(rows) - 1, d_gates.shape[1], rows.shape[2])
    for families in plan.families:
        for start, stop, first, last, children in families:
            if upward:
                left, right = _repeat(d_gates[start:stop], children), rows[first:last]
            else:
                left, right = d_gates[first:last], _repeat(rows[start:stop], children)
            torch.bmm(left, right, out=found[first - 1:last - 1])
    return found


def _repeat(nodes: Tensor, times: int) -> Tensor:
    """Each node ``times`` times, without a copy for one node or one time."""
    if times == 1:
        return nodes
    return nodes.unsqueeze(1).expand(-1, times, -1, -1).flatten(0, 1)
