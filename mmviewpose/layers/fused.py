"""The tree GRU's pass and the nodes' output layers with backwards written by hand.

A pass is some tens of small kernels, so what autograd adds to each of them counts. Here the whole
pass is one node of the graph, gates are computed in place, and everything in the backward that does
not depend on the order of the levels is computed for all nodes at once: what is left for a level is
one product with precomputed factors and the message to its neighbours.

Tensors are ``(K, channels, N)`` in the plan's level order, see :mod:`.tree_rnn`.
"""
from typing import List, Optional, Sequence, Tuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ['as_one', 'node_output', 'sweep_with_state', 'sweep_without_state']

# A product that a level waits for: target += left @ right.
Message = Tuple[Tensor, Tensor, Tensor]


def sweep_without_state(plan, upward: bool, x: Tensor, weight_x: Tensor, weight_e: Tensor,
                        bias: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
    """A pass that starts from zero: h = u n. The reset gate has nothing to reset.

    Args:
        plan: The :class:`TreePlan`.
        upward: Leaf to root, or root to leaf.
        x: Input (K, C, N).
        weight_x: (K, 3 H, C), rows r, u, n.
        weight_e: (K-1, H, 3 H) upward, (K-1, 3 H, H) downward.
        bias: (K, 3 H) or None.

    Returns:
        Hidden states (K, H, N), and a copy as (K, N, H) that carries no gradient.
    """
    return _WithoutState.apply(plan, upward, x, weight_x, weight_e, bias)


def sweep_with_state(plan, upward: bool, x: Tensor, hidden: Tensor, hidden_rows: Tensor,
                     weight_x: Tensor, weight_e: Tensor, weight_h: Tensor,
                     bias: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
    """A pass over shared hidden states: h' = u n + (1 - u) h.

    Args:
        plan, upward, x, weight_x, weight_e, bias: As above.
        hidden: Shared hidden states (K, H, N).
        hidden_rows: The same as (K, N, H). All gradient goes to ``hidden``.
        weight_h: (K, 3 H, H), rows n, r, u.

    Returns:
        New hidden states (K, H, N), and a copy as (K, N, H) that carries no gradient.
    """
    return _WithState.apply(plan, upward, x, hidden, hidden_rows, weight_x, weight_e, weight_h,
                            bias)


def node_output(hidden: Tensor, weight: Tensor, bias: Tensor, order: Tensor,
                position: Tensor) -> Tensor:
    """The nodes' output layers, tanh(W h + b).

    Args:
        hidden: Hidden states (K, H, N) in level order.
        weight: (K, H, H), inputs by outputs.
        bias: (K, H).
        order: Joint at each position (K,).
        position: Position of each joint (K,).

    Returns:
        Output (N, K, H) in joint order.
    """
    return _NodeOutput.apply(hidden, weight, bias, order, position)


class _NodeOutput(torch.autograd.Function):

    @staticmethod
    def forward(ctx, hidden, weight, bias, order, position):
        nodes = torch.bmm(hidden.transpose(1, 2), weight).add_(bias.unsqueeze(1)).tanh_()
        output = nodes.transpose(0, 1).index_select(1, position)
        ctx.save_for_backward(hidden, weight, order, output)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        hidden, weight, order, output = ctx.saved_tensors
        grad = torch.ops.aten.tanh_backward(grad, output)
        grad = grad.transpose(0, 1).index_select(0, order)
        d_hidden = torch.bmm(weight, grad.transpose(1, 2)) if ctx.needs_input_grad[0] else None
        return d_hidden, torch.bmm(hidden, grad), grad.sum(1), None, None


class _WithoutState(torch.autograd.Function):

    @staticmethod
    def forward(ctx, plan, upward, x, weight_x, weight_e, bias):
        ctx.plan, ctx.upward, ctx.biased = plan, upward, bias is not None
        size = weight_x.shape[1] // 3
        weight_x = weight_x[:, size:]
        weight_e = weight_e[:, :, size:] if upward else weight_e[:, size:]
        gates = _input_product(x, weight_x, None if bias is None else bias[:, size:])
        h = gates.new_empty(len(gates), size, gates.shape[2])
        u_levels = gates[:, :size].split(plan.sizes)
        n_levels = gates[:, size:].split(plan.sizes)
        h_levels = h.split(plan.sizes)
        messages = _messages(plan, upward, gates, h, weight_e)
        for depth in _depths(plan, upward):
            for target, left, right in messages[depth]:
                target.baddbmm_(left, right)
            torch.mul(u_levels[depth].sigmoid_(), n_levels[depth].tanh_(), out=h_levels[depth])
        rows = _rows(h)
        ctx.mark_non_differentiable(rows)
        ctx.save_for_backward(x, weight_x, weight_e, gates, h, rows)
        return h, rows

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, _):
        x, weight_x, weight_e, gates, h, rows = ctx.saved_tensors
        plan, upward = ctx.plan, ctx.upward
        joints, size, _ = h.shape
        u, n = gates[:, :size], gates[:, size:]
        d_gates = torch.empty_like(gates)
        d_u, d_n = d_gates[:, :size], d_gates[:, size:]
        torch.addcmul(h, h, u, value=-1, out=d_u)
        torch.ops.aten.tanh_backward.grad_input(u, n, grad_input=d_n)
        d_h = grad.clone(memory_format=torch.contiguous_format)
        _apply_factors(plan, upward, d_gates.unflatten(1, (2, size)), d_gates, d_h, weight_e)

        d_x = _input_gradient(d_gates, weight_x) if ctx.needs_input_grad[2] else None
        d_weight_x = h.new_zeros(joints, 3 * size, x.shape[1])
        d_weight_x[:, size:] = torch.bmm(d_gates, x.transpose(1, 2))
        d_edges = _edge_gradient(plan, upward, d_gates, rows)
        if upward:
            d_weight_e = h.new_zeros(joints - 1, size, 3 * size)
            d_weight_e[:, :, size:] = d_edges.transpose(1, 2)
        else:
            d_weight_e = h.new_zeros(joints - 1, 3 * size, size)
            d_weight_e[:, size:] = d_edges
        d_bias = None
        if ctx.biased:
            d_bias = h.new_zeros(joints, 3 * size)
            torch.sum(d_gates, 2, out=d_bias[:, size:])
        return None, None, d_x, d_weight_x, d_weight_e, d_bias


class _WithState(torch.autograd.Function):

    @staticmethod
    def forward(ctx, plan, upward, x, hidden, hidden_rows, weight_x, weight_e, weight_h, bias):
        ctx.plan, ctx.upward, ctx.biased = plan, upward, bias is not None
        size = hidden.shape[1]
        gates = _input_product(x, weight_x, bias)
        product = torch.bmm(weight_h, hidden)
        ru = gates[:, :2 * size]
        ru += product[:, size:]
        h = torch.empty_like(hidden)
        ru_levels = ru.split(plan.sizes)
        r_levels, u_levels, n_levels = (
            part.split(plan.sizes) for part in gates.unflatten(1, (3, size)).unbind(1))
        p_levels = product[:, :size].split(plan.sizes)
        h_levels, old_levels = h.split(plan.sizes), hidden.split(plan.sizes)
        messages = _messages(plan, upward, gates, h, weight_e)
        for depth in _depths(plan, upward):
            for target, left, right in messages[depth]:
                target.baddbmm_(left, right)
            ru_levels[depth].sigmoid_()
            n = n_levels[depth].addcmul_(r_levels[depth], p_levels[depth]).tanh_()
            torch.lerp(old_levels[depth], n, u_levels[depth], out=h_levels[depth])
        rows = _rows(h)
        ctx.mark_non_differentiable(rows)
        ctx.save_for_backward(x, hidden, hidden_rows, weight_x, weight_e, weight_h, gates, product,
                              rows)
        return h, rows

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, _):
        (x, hidden, hidden_rows, weight_x, weight_e, weight_h, gates, product,
         rows) = ctx.saved_tensors
        plan, upward = ctx.plan, ctx.upward
        joints, size, batch = hidden.shape
        r, u, n = gates.unflatten(1, (3, size)).unbind(1)
        # Rows n_state, r, u, n_input: the gradients of both products are slices of three.
        d_gates = gates.new_empty(joints, 4 * size, batch)
        d_input, d_state = d_gates[:, size:], d_gates[:, :3 * size]
        d_ns, d_r, d_u, d_n = d_gates.unflatten(1, (4, size)).unbind(1)
        torch.ops.aten.tanh_backward.grad_input(u, n, grad_input=d_n)
        scratch = n - hidden
        torch.ops.aten.sigmoid_backward.grad_input(scratch, u, grad_input=d_u)
        torch.mul(d_n, product[:, :size], out=scratch)
        torch.ops.aten.sigmoid_backward.grad_input(scratch, r, grad_input=d_r)
        d_h = grad.clone(memory_format=torch.contiguous_format)
        _apply_factors(plan, upward, d_input.unflatten(1, (3, size)), d_input, d_h, weight_e)
        torch.mul(d_n, r, out=d_ns)

        d_hidden = d_h.addcmul_(d_h, u, value=-1).baddbmm_(weight_h.transpose(1, 2), d_state)
        d_x = _input_gradient(d_input, weight_x) if ctx.needs_input_grad[2] else None
        d_weight_x = torch.bmm(d_input, x.transpose(1, 2))
        d_weight_h = torch.bmm(d_state, hidden_rows)
        d_weight_e = _edge_gradient(plan, upward, d_input, rows)
        if upward:
            d_weight_e = d_weight_e.transpose(1, 2)
        d_bias = d_input.sum(2) if ctx.biased else None
        return None, None, d_x, d_hidden, None, d_weight_x, d_weight_e, d_weight_h, d_bias


def as_one(siblings: Tensor, children: int) -> Tensor:
    """(n children, rows, columns) -> (n, children rows, columns)."""
    if children == 1:
        return siblings
    count, rows, columns = siblings.shape
    return siblings.reshape(count // children, children * rows, columns)


def _repeat(nodes: Tensor, times: int) -> Tensor:
    """Each node ``times`` times, without a copy for one node or one time."""
    if times == 1:
        return nodes
    return nodes.unsqueeze(1).expand(-1, times, -1, -1).flatten(0, 1)


def _rows(h: Tensor) -> Tensor:
    # As the right factor of a product over N this form is twice as fast.
    return h.transpose(1, 2).contiguous()


def _depths(plan, upward: bool) -> Sequence[int]:
    return range(len(plan.levels) - 1, -1, -1) if upward else range(len(plan.levels))


def _input_product(x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    if bias is None:
        return torch.bmm(weight, x)
    return torch.baddbmm(bias.unsqueeze(2), weight, x)


def _input_gradient(d_gates: Tensor, weight: Tensor) -> Tensor:
    return torch.bmm(d_gates.transpose(1, 2), weight).transpose(1, 2)


def _messages(plan, upward: bool, gates: Tensor, h: Tensor,
              weight_e: Tensor) -> List[List[Message]]:
    """For each level what its gates get from its children (upward) or parents."""
    messages: List[List[Message]] = [[] for _ in range(len(plan.levels) + 1)]
    weights = weight_e.split(plan.group_sizes[1:])
    ends = (gates, h) if upward else (h, gates)
    parents, children = ends[0].split(plan.run_sizes), ends[1].split(plan.group_sizes)
    for group, (depth, run, count) in enumerate(plan.groups):
        parent, child = parents[run], as_one(children[group + 1], count)
        weight = as_one(weights[group], count)
        if upward:
            messages[depth].append((parent, weight.transpose(1, 2), child))
        else:
            messages[depth + 1].append((child, weight, parent))
    return messages


def _gradient_messages(plan, upward: bool, d_gates: Tensor, d_h: Tensor,
                       weight_e: Tensor) -> List[List[Message]]:
    """For each level what the gradients of its gates add to its children's (upward) or parents'."""
    messages: List[List[Message]] = [[] for _ in range(len(plan.levels) + 1)]
    weights = weight_e.split(plan.group_sizes[1:])
    ends = (d_gates, d_h) if upward else (d_h, d_gates)
    parents, children = ends[0].split(plan.run_sizes), ends[1].split(plan.group_sizes)
    for group, (depth, run, count) in enumerate(plan.groups):
        parent, child, weight = parents[run], children[group + 1], weights[group]
        if upward:
            messages[depth].append((as_one(child, count), as_one(weight, count), parent))
        elif count == 1:
            messages[depth + 1].append((parent, weight.transpose(1, 2), child))
        else:
            messages[depth + 1] += [(parent, weight[i::count].transpose(1, 2), child[i::count])
                                    for i in range(count)]
    return messages


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
    messages = _gradient_messages(plan, upward, d_gates, d_h, weight_e)
    for depth in _depths(plan, not upward):
        f_levels[depth].mul_(d_levels[depth])
        for target, left, right in messages[depth]:
            target.baddbmm_(left, right)


def _edge_gradient(plan, upward: bool, d_gates: Tensor, rows: Tensor) -> Tensor:
    """Gradient of the edges' weights (K-1, gates H, H)."""
    found = rows.new_empty(len(rows) - 1, d_gates.shape[1], rows.shape[2])
    edges = found.split(plan.group_sizes[1:])
    ends = (d_gates, rows) if upward else (rows, d_gates)
    parents, children = ends[0].split(plan.run_sizes), ends[1].split(plan.group_sizes)
    for group, (_, run, count) in enumerate(plan.groups):
        parent, child = _repeat(parents[run], count), children[group + 1]
        left, right = (parent, child) if upward else (child, parent)
        torch.bmm(left, right, out=edges[group])
    return found
