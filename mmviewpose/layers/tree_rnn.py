"""Recurrent networks on a skeleton tree: SeBiReNet and its parts.

Source: Nie, Liu, Liu, *Unsupervised 3D Human Pose Representation with Viewpoint and Pose
Disentanglement*, ECCV 2020, section 3.2, Eq. 8 and Table 1.

Every node has weights of its own, so nothing can be batched over joints by an ordinary RNN. Here
the nodes of one tree level are computed together. The nodes are kept sorted level by level with the
children of a node side by side, and tensors are ``(K, channels, N)`` inside, so that a level, the
children of a node and a gate are all plain slices, and "concatenate the children" is a view.
"""
import math
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

try:
    from torch.compiler import is_compiling as _is_compiling
except ImportError:  # torch 2.1
    from torch._dynamo.external_utils import is_compiling as _is_compiling

from .fused import as_one, node_output, sweep_with_state, sweep_without_state

__all__ = ['STRUCTURES', 'SeBiReNet', 'TreePlan', 'TreeSubnet']

STRUCTURES = ('sebirenet', 'leaf_to_root', 'root_to_leaf', 'concatenated', 'recurrent')

# Rows that a CPU computes at a time: the gates of one piece then stay in its cache.
CHUNK = 1024

# Row blocks of the stacked weights. The gates that a zero state leaves without effect (GRU's r,
# LSTM's f) come first, so that the others are one slice.
#
# The GRU's update gate is kept as u = 1 - z, h' = u n + (1 - u) h: from a zero state h' is the
# product u n, which is cheapest. torch's z has the same weights with the other sign.
_INPUT_GATES = {'gru': 'run', 'lstm': 'fiog'}
# GRU: r and u are shared by the two products, n is not. With n in front here and behind above, the
# gradients of all of them are two overlapping slices of one (n_state, r, u, n_input) buffer.
_STATE_GATES = {'gru': 'nru', 'lstm': 'fiog'}
_TORCH_GATES = {'gru': 'rzn', 'lstm': 'ifgo'}

State = Tuple[Tensor, ...]


def _autocasts(x: Tensor) -> bool:
    if x.is_cuda:
        return torch.is_autocast_enabled()
    return torch.is_autocast_cpu_enabled()


def _shows_its_steps(x: Tensor) -> bool:
    """Whether somebody has to see the single operations: a compiler, a tracer, autocast."""
    return _is_compiling() or torch.jit.is_tracing() or _autocasts(x)


class Run(NamedTuple):
    """Neighbouring nodes of one level that have the same number of children.

    Attributes:
        start, stop: Positions of the nodes in the level order.
        first, last: Positions of all their children, ``last`` excluded.
        children: Number of children of each node.
    """
    start: int
    stop: int
    first: int
    last: int
    children: int


class TreePlan:
    """The order in which the nodes of a tree are computed.

    Args:
        parents: Parent of each joint, -1 (or any negative number) for the root. The root may stand
            anywhere.

    Attributes:
        order: Joint at each position of the level order; the root is at position 0.
        position: Position of each joint, the inverse of ``order``.
        levels: (start, stop) of each level, the root's first.
        sizes: Number of nodes of each level.
        runs: For each level its :class:`Run` s.
        families: For each level its runs of nodes that have children.
        run_sizes: Number of nodes of each run, all levels.
        group_sizes: 1 for the root, then the number of children of each run that has some. Both
            lists cut all positions.
        groups: (level, index among all runs, children of a node) of each run that has children.

    Raises:
        ValueError: If ``parents`` is not one tree.
    """

    def __init__(self, parents: Sequence[int]) -> None:
        self.parents = tuple(int(p) for p in parents)
        joints = range(len(self.parents))
        roots = [j for j in joints if self.parents[j] < 0]
        if len(roots) != 1:
            raise ValueError(f'a tree has one root (parent -1), parents has {len(roots)}')
        if max(self.parents) >= len(self.parents):
            raise ValueError(f'a parent is not a joint: {max(self.parents)} of {len(self.parents)}')
        children: List[List[int]] = [[] for _ in joints]
        for joint in joints:
            if self.parents[joint] >= 0:
                children[self.parents[joint]].append(joint)

        depths = [[roots[0]]]
        while depths[-1]:
            depths.append([c for j in depths[-1] for c in children[j]])
            if len(depths) > len(self.parents) + 1:
                break
        if sum(len(level) for level in depths) != len(self.parents):
            raise ValueError('parents has a cycle: not all joints hang on the root')
        height = [0] * len(self.parents)
        for level in reversed(depths):
            for j in level:
                height[j] = 1 + max((height[c] for c in children[j]), default=0)
        # Like stands beside like, which makes the runs long.
        for group in children:
            group.sort(key=lambda j: (-len(children[j]), -height[j], j))

        self._children = tuple(tuple(c) for c in children)
        self.order: Tuple[int, ...] = ()
        self.levels: List[Tuple[int, int]] = []
        level = [roots[0]]
        while level:
            start = len(self.order)
            self.order += tuple(level)
            self.levels.append((start, len(self.order)))
            level = [c for j in level for c in children[j]]
        self.position = tuple(self.order.index(j) for j in joints)
        self.sizes = [stop - start for start, stop in self.levels]
        self.runs = [self._runs_of(*bounds) for bounds in self.levels]
        self.families = [[run for run in runs if run.children] for runs in self.runs]
        every = [(depth, run) for depth, runs in enumerate(self.runs) for run in runs]
        self.run_sizes = [run.stop - run.start for _, run in every]
        self.groups = [(depth, index, run.children) for index, (depth, run) in enumerate(every)
                       if run.children]
        self.group_sizes = [1] + [run.last - run.first for _, run in every if run.children]

    def _runs_of(self, start: int, stop: int) -> List[Run]:
        runs: List[Run] = []
        first = stop
        for place in range(start, stop):
            count = len(self._children[self.order[place]])
            if runs and runs[-1].children == count:
                runs[-1] = runs[-1]._replace(stop=place + 1, last=first + count)
            else:
                runs.append(Run(place, place + 1, first, first + count, count))
            first += count
        return runs

    @property
    def num_joints(self) -> int:
        return len(self.parents)

    def neighbours(self, joint: int, direction: str) -> Tuple[int, ...]:
        """Joints whose hidden states are input of ``joint``, in the order of its weights."""
        if direction == 'leaf_to_root':
            return self._children[joint]
        return () if self.parents[joint] < 0 else (self.parents[joint],)


class _Attach(torch.autograd.Function):
    """Hands ``x`` through and gives each idle parameter a gradient of zeros.

    DistributedDataParallel stops at a parameter that never gets a gradient.
    """

    @staticmethod
    def forward(ctx, x: Tensor, *idle: Tensor) -> Tensor:
        ctx.idle = [(p.shape, p.dtype, p.device) for p in idle]
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad: Tensor):
        zeros = [torch.zeros(s, dtype=t, device=d) for s, t, d in ctx.idle]
        return (grad, *zeros)


class _Permute(torch.autograd.Function):
    """Reorders axis 1; the backward gathers too, which is faster than the scatter of autograd."""

    @staticmethod
    def forward(ctx, x: Tensor, index: Tensor, inverse: Tensor) -> Tensor:
        ctx.save_for_backward(inverse)
        return x.index_select(1, index)

    @staticmethod
    def backward(ctx, grad: Tensor):
        inverse, = ctx.saved_tensors
        return grad.index_select(1, inverse), None, None


def _permute(x: Tensor, index: Tensor, inverse: Tensor) -> Tensor:
    if _shows_its_steps(x):
        return x.index_select(1, index)
    return _Permute.apply(x, index, inverse)


class TreeSubnet(nn.Module):
    """One directed pass over a skeleton tree with a recurrent cell per node (one half of Eq. 8).

    A node's input is ``[p_i, hidden states of its neighbours]``: its children going leaf to root
    (the recursive subnet), its parent going root to leaf (the diffuse subnet). Its recurrent state
    is the node's own shared hidden state, zero at the start. The cells are torch's: the GRU's reset
    gate acts on the product with the state.

    A GRU node with N neighbours has ``[3 n_x + (3 N + 4) n_h + 1] n_h`` parameters with the output
    layer and without gate bias, as in the paper.

    Parameters are stacked over nodes, in the plan's level order (``plan.order``); use
    :meth:`node_parameters` to read those of one joint.

    Args:
        parents: Parent of each joint, -1 for the root.
        in_channels: Channels of a joint's input, n_x.
        hidden_channels: Channels of a node's hidden state, n_h.
        direction: ``'leaf_to_root'`` or ``'root_to_leaf'``.
        cell: ``'gru'`` or ``'lstm'``.
        gate_bias: Give the gates a bias. The paper's have none, the published code's have one.
        output_layer: Give each node the output layer ``tanh(W_o h + b_o)``; without it the output
            is the hidden state.

    Raises:
        ValueError: If ``parents`` is not one tree, or an option is unknown.
    """

    def __init__(self, parents: Sequence[int], in_channels: int, hidden_channels: int,
                 direction: str = 'leaf_to_root', cell: str = 'gru', gate_bias: bool = False,
                 output_layer: bool = True) -> None:
        super().__init__()
        if direction not in ('leaf_to_root', 'root_to_leaf'):
            raise ValueError(f"direction is 'leaf_to_root' or 'root_to_leaf', not {direction!r}")
        if cell not in _INPUT_GATES:
            raise ValueError(f"cell is 'gru' or 'lstm', not {cell!r}")
        if in_channels < 1 or hidden_channels < 1:
            raise ValueError('in_channels and hidden_channels must be positive, got '
                             f'{in_channels} and {hidden_channels}')
        self.plan = TreePlan(parents)
        self.in_channels = in_channels
        self.hidden_channels = hidden_channels
        self.direction = direction
        self.cell = cell
        joints, hidden = self.plan.num_joints, hidden_channels
        gates = len(_INPUT_GATES[cell]) * hidden
        self.weight_x = nn.Parameter(torch.empty(joints, gates, in_channels))
        # Edge e joins the node at position e + 1 to its parent. The layout makes the edges of a run
        # of siblings one matrix: stacked inputs going up, stacked outputs going down.
        edge = (hidden, gates) if self._upward else (gates, hidden)
        self.weight_e = nn.Parameter(torch.empty(joints - 1, *edge))
        self.weight_h = nn.Parameter(torch.empty(joints, gates, hidden))
        self.bias = nn.Parameter(torch.empty(joints, gates)) if gate_bias else None
        self.weight_o = nn.Parameter(torch.empty(joints, hidden, hidden)) if output_layer else None
        self.bias_o = nn.Parameter(torch.empty(joints, hidden)) if output_layer else None
        self.register_buffer('order', torch.tensor(self.plan.order), persistent=False)
        self.register_buffer('position', torch.tensor(self.plan.position), persistent=False)
        self.reset_parameters()

    @property
    def _upward(self) -> bool:
        return self.direction == 'leaf_to_root'

    @property
    def out_channels(self) -> int:
        return self.hidden_channels

    def reset_parameters(self) -> None:
        """Draws each gate's matrices by Glorot's rule, biases are zero.

        With the smaller weights of torch's own cells so little of a pose is left after a tree's
        depth of gates that an auto-encoder stays at the mean pose for epochs.
        """
        hidden = self.hidden_channels
        for name, parameter in self.named_parameters():
            fan_in = self.in_channels if name == 'weight_x' else hidden
            bound = 0. if name.startswith('bias') else math.sqrt(6 / (fan_in + hidden))
            nn.init.uniform_(parameter, -bound, bound)

    def extra_repr(self) -> str:
        return (f'joints={self.plan.num_joints}, in_channels={self.in_channels}, '
                f'hidden_channels={self.hidden_channels}, direction={self.direction!r}, '
                f'cell={self.cell!r}, gate_bias={self.bias is not None}, '
                f'output_layer={self.weight_o is not None}')

    def node_parameters(self, joint: int) -> Dict[str, Tensor]:
        """Parameters of one joint as torch's GRUCell or LSTMCell has them (copies, differentiable).

        Args:
            joint: Index of the joint in ``parents``.

        Returns:
            ``weight_ih`` (G n_h, n_x + N n_h), its columns first the joint's input, then the states
            of ``plan.neighbours(joint, direction)``; ``weight_hh`` (G n_h, n_h); where they exist
            ``bias`` (G n_h,), ``weight_o`` (n_h, n_h) and ``bias_o`` (n_h,). Gate order is torch's.
        """
        place = self.plan.position[joint]
        blocks = [self.weight_x[place]]
        for neighbour in self.plan.neighbours(joint, self.direction):
            if self._upward:
                blocks.append(self.weight_e[self.plan.position[neighbour] - 1].t())
            else:
                blocks.append(self.weight_e[place - 1])
        found = {'weight_ih': self._torch_order(torch.cat(blocks, 1), _INPUT_GATES),
                 'weight_hh': self._torch_order(self.weight_h[place], _STATE_GATES)}
        if self.bias is not None:
            found['bias'] = self._torch_order(self.bias[place], _INPUT_GATES)
        if self.weight_o is not None:
            found['weight_o'] = self.weight_o[place].t()
            found['bias_o'] = self.bias_o[place]
        return found

    def _torch_order(self, rows: Tensor, gates: Dict[str, str]) -> Tensor:
        parts = dict(zip(gates[self.cell], rows.split(self.hidden_channels)))
        if self.cell == 'gru':
            parts['z'] = -parts['u']
        return torch.cat([parts[g] for g in _TORCH_GATES[self.cell]])

    def forward(self, x: Tensor, state: Optional[State] = None) -> Tuple[Tensor, State]:
        """Runs the pass.

        Args:
            x: Input (N, K, n_x).
            state: Shared states that an earlier pass returned; None means zero.

        Returns:
            Output (N, K, n_h) and the new states, see :meth:`sweep`.
        """
        state, idle = self.sweep(self.to_nodes(x), state)
        output = self.output(state)
        return (_Attach.apply(output, *idle) if idle else output), state

    def to_nodes(self, x: Tensor) -> Tensor:
        """(N, K, n_x) in joint order -> (K, n_x, N) in level order."""
        return _permute(x, self.order, self.position).permute(1, 2, 0)

    def output(self, state: State) -> Tensor:
        """Outputs (N, K, n_h) in joint order of the states of a pass."""
        if self.weight_o is None:
            return _permute(state[0].permute(2, 0, 1), self.position, self.order)
        if not _shows_its_steps(state[0]):
            return node_output(state[0], self.weight_o, self.bias_o, self.order, self.position)
        hidden = state[0].transpose(1, 2)
        output = torch.baddbmm(self.bias_o.unsqueeze(1), hidden, self.weight_o).tanh()
        return output.transpose(0, 1).index_select(1, self.position)

    def output_parameters(self) -> Tuple[Tensor, ...]:
        return () if self.weight_o is None else (self.weight_o, self.bias_o)

    def sweep(self, x: Tensor, state: Optional[State] = None) -> Tuple[State, Tuple[Tensor, ...]]:
        """The pass itself, without output layers.

        Args:
            x: Input (K, n_x, N) in level order.
            state: Shared states as an earlier pass returned them; None means zero.

        Returns:
            The new states, all in level order: hidden states (K, n_h, N), the same as (K, N, n_h)
            (not to be differentiated), and for the LSTM the cells (K, n_h, N). And the parameters
            that had no part in them.
        """
        idle = (self.weight_h,) if state is None else ()
        if self.plan.num_joints == 1:
            idle += (self.weight_e,)
        if self.cell == 'gru' and not _shows_its_steps(x):
            return self._sweep_by_hand(x, state), idle
        return self._sweep_by_autograd(x, state), idle

    def _sweep_by_hand(self, x: Tensor, state: Optional[State]) -> State:
        if state is None:
            return sweep_without_state(self.plan, self._upward, x, self.weight_x, self.weight_e,
                                       self.bias)
        return sweep_with_state(self.plan, self._upward, x, *state, self.weight_x, self.weight_e,
                                self.weight_h, self.bias)

    # torch 2.1's compiler follows neither generators nor iterators here.
    def _sweep_by_autograd(self, x: Tensor, state: Optional[State]) -> State:
        # With a zero state the first gate multiplies nothing but that state.
        skip = self.hidden_channels if state is None else 0
        # Split, not sliced: the backward of a slice fills a whole tensor with zeros.
        sizes, groups = self.plan.sizes, self.plan.group_sizes[1:]
        gates = self._input_product(x, skip).split(sizes)
        weight_e = self.weight_e[:, :, skip:] if self._upward else self.weight_e[:, skip:]
        given = [(None, None)] * len(sizes)
        if state is not None:
            product = torch.bmm(self.weight_h, state[0]).split(sizes)
            old = list(zip(*[part.split(sizes) for part in (state[0], *state[2:])]))
            given = list(zip(product, old))
        cell = _CELLS[self.cell]
        weights = self._by_level(weight_e.split(groups))
        levels: List[State] = []
        if self._upward:
            for depth in reversed(range(len(sizes))):
                level = gates[depth]
                if levels:
                    level = self._from_children(depth, level, levels[-1][0], weights[depth])
                levels.append(cell(level, *given[depth]))
            levels = levels[::-1]
        else:
            for depth, level in enumerate(gates):
                if levels:
                    level = self._from_parents(depth, level, levels[-1][0], weights[depth - 1])
                levels.append(cell(level, *given[depth]))
        new = [torch.cat(parts) for parts in zip(*levels)]
        return (new[0], new[0].transpose(1, 2), *new[1:])

    def _by_level(self, groups: Sequence[Tensor]) -> List[Sequence[Tensor]]:
        cut, seen = [], 0
        for families in self.plan.families:
            cut.append(groups[seen:seen + len(families)])
            seen += len(families)
        return cut

    def _input_product(self, x: Tensor, skip: int) -> Tensor:
        weight = self.weight_x[:, skip:]
        if self.bias is None:
            return torch.bmm(weight, x)
        return torch.baddbmm(self.bias[:, skip:, None], weight, x)

    def _from_children(self, depth: int, level: Tensor, below: Tensor,
                       weights: Sequence[Tensor]) -> Tensor:
        runs, families = self.plan.runs[depth], self.plan.families[depth]
        groups = below.split([run.last - run.first for run in families])
        parts, seen = [], 0
        for run, part in zip(runs, level.split([run.stop - run.start for run in runs])):
            if run.children:
                weight = as_one(weights[seen], run.children).transpose(1, 2)
                part = torch.baddbmm(part, weight, as_one(groups[seen], run.children))
                seen += 1
            parts.append(part)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _from_parents(self, depth: int, level: Tensor, above: Tensor,
                      weights: Sequence[Tensor]) -> Tensor:
        runs, families = self.plan.runs[depth - 1], self.plan.families[depth - 1]
        states = above.split([run.stop - run.start for run in runs])
        states = [state for run, state in zip(runs, states) if run.children]
        groups = level.split([run.last - run.first for run in families])
        parts = []
        for run, part, weight, state in zip(families, groups, weights, states):
            product = torch.baddbmm(as_one(part, run.children), as_one(weight, run.children), state)
            parts.append(product.reshape(part.shape))
        return parts[0] if len(parts) == 1 else torch.cat(parts)


def _gru(gates: Tensor, product: Optional[Tensor], state: Optional[State]) -> State:
    """GRU nodes of one level: gates (n, 3 h or 2 h, N) -> hidden states (n, h, N)."""
    if state is None:
        u, n = gates.chunk(2, 1)
        return (u.sigmoid() * n.tanh(),)
    hidden, = state
    size = hidden.shape[1]
    r, u = (gates[:, :2 * size] + product[:, size:]).sigmoid().chunk(2, 1)
    n = torch.addcmul(gates[:, 2 * size:], r, product[:, :size]).tanh()
    return (torch.lerp(hidden, n, u),)


def _lstm(gates: Tensor, product: Optional[Tensor], state: Optional[State]) -> State:
    """LSTM nodes of one level: gates (n, 4 h or 3 h, N) -> hidden states and cells (n, h, N)."""
    if state is None:
        i, o, g = gates.chunk(3, 1)
        cells = i.sigmoid() * g.tanh()
    else:
        f, i, o, g = (gates + product).chunk(4, 1)
        cells = torch.addcmul(f.sigmoid() * state[1], i.sigmoid(), g.tanh())
    return o.sigmoid() * cells.tanh(), cells


_CELLS = {'gru': _gru, 'lstm': _lstm}


class SeBiReNet(nn.Module):
    """Sequential bidirectional recursive network on a skeleton tree (section 3.2, Table 1).

    ========================  =====================================================================
    structure                 what runs
    ========================  =====================================================================
    ``'sebirenet'``           leaf to root, then root to leaf from the shared hidden states
    ``'recurrent'``           the same ``num_passes`` times, weights and states shared
    ``'leaf_to_root'``        the recursive subnet alone
    ``'root_to_leaf'``        the diffuse subnet alone
    ``'concatenated'``        both from zero states, outputs concatenated
    ========================  =====================================================================

    In the first two the output is that of the root-to-leaf subnet, which overwrites the other's.
    The leaf-to-root subnet's output layers therefore do nothing; the paper counts them, so they
    are there by default and get a gradient of zero (DistributedDataParallel stops at a parameter
    without one). ``unused_output=False`` leaves them out. Weights on the state of a pass that
    starts from zero also have a gradient of zero, and an effect only in ``'recurrent'``.

    On a CPU the eager GRU is the fast form from a few hundred rows on; below, ``torch.compile``
    gains.

    Args:
        parents: Parent of each joint, -1 for the root, e.g. ``get_skeleton('ape17').parents``.
        in_channels: Channels of a joint's input.
        hidden_channels: Channels of a node's hidden state.
        cell: ``'gru'`` or ``'lstm'``.
        gate_bias: Give the gates a bias. The paper's have none, the published code's have one.
        output_layer: Give each node the output layer of Eq. 8 (the published code has none).
        structure: See the table.
        num_passes: How often the pair runs; for ``'recurrent'`` only, 2 where not given.
        unused_output: Keep output layers whose result nothing uses.

    Raises:
        ValueError: If ``parents`` is not one tree, or an option is unknown or does not fit.
    """

    def __init__(self, parents: Sequence[int], in_channels: int, hidden_channels: int,
                 cell: str = 'gru', gate_bias: bool = False, output_layer: bool = True,
                 structure: str = 'sebirenet', num_passes: Optional[int] = None,
                 unused_output: bool = True) -> None:
        super().__init__()
        if structure not in STRUCTURES:
            raise ValueError(f'structure is one of {STRUCTURES}, not {structure!r}')
        if num_passes is None:
            num_passes = 2 if structure == 'recurrent' else 1
        if num_passes < 1 or (num_passes > 1 and structure != 'recurrent'):
            raise ValueError(f'{structure!r} cannot run {num_passes} times')
        self.structure = structure
        self.num_passes = num_passes
        self.in_channels = in_channels
        self.hidden_channels = hidden_channels
        self.num_joints = len(parents)
        shared = structure in ('sebirenet', 'recurrent')
        self.up: Optional[TreeSubnet] = None
        self.down: Optional[TreeSubnet] = None
        if structure != 'root_to_leaf':
            self.up = TreeSubnet(parents, in_channels, hidden_channels, 'leaf_to_root', cell,
                                 gate_bias, output_layer and (unused_output or not shared))
        if structure != 'leaf_to_root':
            self.down = TreeSubnet(parents, in_channels, hidden_channels, 'root_to_leaf', cell,
                                   gate_bias, output_layer)

    @property
    def out_channels(self) -> int:
        """Channels of a joint's output."""
        return self.hidden_channels * (2 if self.structure == 'concatenated' else 1)

    def extra_repr(self) -> str:
        return f'structure={self.structure!r}, num_passes={self.num_passes}'

    def forward(self, x: Tensor) -> Tensor:
        """Runs the network.

        Args:
            x: Input (..., K, in_channels).

        Returns:
            Output (..., K, out_channels).

        Raises:
            ValueError: If the last two axes of ``x`` do not fit.
        """
        if x.dim() < 2 or tuple(x.shape[-2:]) != (self.num_joints, self.in_channels):
            raise ValueError(f'input must be (..., {self.num_joints}, {self.in_channels}), '
                             f'not {tuple(x.shape)}')
        rows = x.reshape(-1, *x.shape[-2:])
        if rows.is_cuda or _shows_its_steps(rows) or len(rows) <= CHUNK:
            output = self._run(rows)
        else:
            pieces = rows.chunk(math.ceil(len(rows) / CHUNK))
            output = torch.cat([self._run(piece) for piece in pieces])
        return output.reshape(*x.shape[:-1], self.out_channels)

    def _run(self, x: Tensor) -> Tensor:
        if self.structure in ('leaf_to_root', 'root_to_leaf'):
            return (self.up or self.down)(x)[0]
        if self.structure == 'concatenated':
            return torch.cat([self.up(x)[0], self.down(x)[0]], -1)
        nodes = self.up.to_nodes(x)
        state: Optional[State] = None
        for _ in range(self.num_passes):
            state, idle_up = self.up.sweep(nodes, state)
            state, idle_down = self.down.sweep(nodes, state)
        output = self.down.output(state)
        idle = idle_up + idle_down + self.up.output_parameters()
        return _Attach.apply(output, *idle) if idle else output
