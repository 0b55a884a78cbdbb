"""SeBiReNet by tree level against a loop over its nodes: forward + backward, medians of one run."""
import argparse
import json
import statistics
import sys
import time
from typing import Dict, List, Sequence

import torch
from torch import Tensor, nn

from mmviewpose.layers import SeBiReNet, TreeSubnet

# The paper's 17 joints (skeleton layout `ape17`).
PARENTS = (-1, 0, 16, 2, 16, 4, 5, 16, 7, 8, 0, 10, 11, 0, 13, 14, 1)


class NodeLoop(nn.Module):
    """One directed pass, written plainly: torch's own cell for each node, one after the other."""

    def __init__(self, subnet: TreeSubnet) -> None:
        super().__init__()
        self.neighbours = [subnet.plan.neighbours(j, subnet.direction)
                           for j in range(subnet.plan.num_joints)]
        self.order = subnet.plan.order
        if subnet.direction == 'leaf_to_root':
            self.order = self.order[::-1]
        self.is_lstm = subnet.cell == 'lstm'
        hidden = subnet.hidden_channels
        make = nn.LSTMCell if self.is_lstm else nn.GRUCell
        self.cells = nn.ModuleList()
        self.outputs = nn.ModuleList()
        for joint, near in enumerate(self.neighbours):
            given = subnet.node_parameters(joint)
            cell = make(subnet.in_channels + len(near) * hidden, hidden, bias='bias' in given)
            cell = cell.to(given['weight_ih'])
            with torch.no_grad():
                cell.weight_ih.copy_(given['weight_ih'])
                cell.weight_hh.copy_(given['weight_hh'])
                if 'bias' in given:
                    cell.bias_ih.copy_(given['bias'])
                    cell.bias_hh.zero_()
            self.cells.append(cell)
            if 'weight_o' in given:
                layer = nn.Linear(hidden, hidden).to(given['weight_o'])
                with torch.no_grad():
                    layer.weight.copy_(given['weight_o'])
                    layer.bias.copy_(given['bias_o'])
                self.outputs.append(layer)

    def forward(self, x: Tensor, state: List = None) -> List:
        """Input (N, K, n_x), state of each node -> new state of each node."""
        if state is None:
            zero = x.new_zeros(len(x), self.cells[0].hidden_size)
            state = [(zero, zero) if self.is_lstm else zero] * len(self.cells)
        state = list(state)
        for joint in self.order:
            hidden = [state[j][0] if self.is_lstm else state[j] for j in self.neighbours[joint]]
            state[joint] = self.cells[joint](torch.cat([x[:, joint], *hidden], 1), state[joint])
        return state

    def read(self, state: List) -> Tensor:
        """State of each node -> output (N, K, n_h)."""
        hidden = [s[0] if self.is_lstm else s for s in state]
        if len(self.outputs):
            hidden = [layer(h).tanh() for layer, h in zip(self.outputs, hidden)]
        return torch.stack(hidden, 1)


class NodeLoopNet(nn.Module):
    """A :class:`SeBiReNet`, its weights copied, computed a node at a time."""

    def __init__(self, net: SeBiReNet) -> None:
        super().__init__()
        self.structure, self.num_passes = net.structure, net.num_passes
        self.up = None if net.up is None else NodeLoop(net.up)
        self.down = None if net.down is None else NodeLoop(net.down)

    def forward(self, x: Tensor) -> Tensor:
        """Input (N, K, n_x) -> output (N, K, n_h or 2 n_h)."""
        if self.structure in ('leaf_to_root', 'root_to_leaf'):
            only = self.up or self.down
            return only.read(only(x))
        if self.structure == 'concatenated':
            return torch.cat([part.read(part(x)) for part in (self.up, self.down)], -1)
        state = None
        for _ in range(self.num_passes):
            state = self.down(x, self.up(x, state))
        return self.down.read(state)


def _step(net: nn.Module, x: Tensor) -> float:
    """Milliseconds of one forward + backward, gradients made anew as a training step does."""
    net.zero_grad(set_to_none=True)
    start = time.perf_counter()
    net(x).sum().backward()
    return 1e3 * (time.perf_counter() - start)


def _medians(forms: Dict[str, nn.Module], x: Tensor, rounds: int) -> Dict[str, float]:
    """Median time of each form; the forms take turns, so that a busy machine slows all alike."""
    times: Dict[str, List[float]] = {name: [] for name in forms}
    for turn in range(rounds + 2):
        for name, net in forms.items():
            elapsed = _step(net, x)
            if turn >= 2:
                times[name].append(elapsed)
    return {name: statistics.median(values) for name, values in times.items()}


def run(sizes: Sequence[int] = (64, 1024, 8192), hidden_channels: int = 32, in_channels: int = 3,
        cell: str = 'gru', compiled_sizes: Sequence[int] = (64,), seconds: float = 8.,
        threads: int = 1, **_: object) -> Dict[str, float]:
    """Times forward + backward of a SeBiReNet on the 17-joint tree against the loop over its nodes.

    Args:
        sizes: Batch sizes.
        hidden_channels: Hidden channels of a node.
        in_channels: Input channels of a joint.
        cell: ``'gru'`` or ``'lstm'``.
        compiled_sizes: Batch sizes at which to time ``torch.compile`` too (a minute of compilation
            each; needs a C++ compiler, left out where it fails).
        seconds: Time to spend on each batch size, about.
        threads: Threads of torch.

    Returns:
        Per batch size B the medians ``loop_ms_B`` and ``level_ms_B``, their quotient ``ratio_B``,
        and where compiled ``compiled_ms_B`` and ``compiled_ratio_B``.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        torch.manual_seed(0)
        net = SeBiReNet(PARENTS, in_channels, hidden_channels, cell)
        forms: Dict[str, nn.Module] = {'loop': NodeLoopNet(net), 'level': net}
        found: Dict[str, float] = {}
        for size in sizes:
            x = torch.randn(size, len(PARENTS), in_channels)
            forms.pop('compiled', None)
            if size in compiled_sizes:
                forms['compiled'] = torch.compile(net, dynamic=False)
                try:
                    _step(forms['compiled'], x)
                except Exception as error:
                    print(f'torch.compile does not work here: {error!r:.300}', file=sys.stderr)
                    del forms['compiled']
            once = sum(_step(form, x) for form in forms.values()) / 1e3
            medians = _medians(forms, x, max(9, min(400, int(seconds / once))))
            found.update({f'{name}_ms_{size}': value for name, value in medians.items()})
            found[f'ratio_{size}'] = medians['loop'] / medians['level']
            if 'compiled' in medians:
                found[f'compiled_ratio_{size}'] = medians['loop'] / medians['compiled']
    finally:
        torch.set_num_threads(before)
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--sizes', type=int, nargs='+', default=[64, 1024, 8192])
    parser.add_argument('--hidden', type=int, default=32)
    parser.add_argument('--in-channels', type=int, default=3)
    parser.add_argument('--cell', default='gru', choices=['gru', 'lstm'])
    parser.add_argument('--compiled-sizes', type=int, nargs='*', default=[64])
    parser.add_argument('--seconds', type=float, default=8.)
    args = parser.parse_args()
    print(json.dumps(run(args.sizes, args.hidden, args.in_channels, args.cell, args.compiled_sizes,
                         args.seconds), indent=1))


if __name__ == '__main__':
    main()
