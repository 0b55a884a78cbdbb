"""Muon for parameters that are matrices or stacks of them, Adam for all others."""
from collections import defaultdict
from typing import Dict, List, Optional, Sequence, Tuple

import torch
from torch import Tensor

from mmviewpose.errors import UserError
from mmviewpose.registry import OPTIMIZERS

# Quintic whose slope at 0 is steep: singular values from 0.005 up come near 1 in five steps.
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrices: Tensor, steps: int = 5) -> Tensor:
    """Bring all singular values of each matrix near 1 (0.7 to 1.2), by Newton-Schulz iteration.

    Source: Jordan et al., *Muon: an optimizer for hidden layers in neural networks*, 2024.

    Args:
        matrices: ``(N, rows, columns)``, rows at most columns. A zero matrix stays zero.
        steps: Iterations.
    """
    a, b, c = _NEWTON_SCHULZ
    x = matrices / matrices.flatten(1).norm(dim=1).clamp_min(1e-7)[:, None, None]
    for _ in range(steps):
        gram = x @ x.transpose(1, 2)
        x = a * x + torch.baddbmm(gram, gram, gram, beta=b, alpha=c) @ x
    return x


@OPTIMIZERS.register_module()
class StackedMuon(torch.optim.Optimizer):
    """Muon on each matrix of every parameter with as many axes as ``axes`` says, three by default;
    Adam on all others.

    A tree network keeps one small matrix a node, stacked into ``(nodes, rows, columns)``. Adam sees
    single numbers; an orthogonalised update moves every direction of every node's matrix equally,
    those with small gradients too, and a SeBiReNet then needs less than half of Adam's steps
    (docs/methods/sebirenet.md). So does a network of 1D convolutions (docs/methods/twoviews.md),
    whose weights ``(out, in, taps)`` are a matrix a tap: ``stack_axis=2``. A parameter with
    two or four axes is one matrix, its first axis against all others: a dense layer ``(out, in)``,
    a 2D convolution ``(out, in * taps)``, a transposed one ``(in, out * taps)``, the stacked gates
    of a GRU: ``axes=(2, 4)`` (docs/methods/mcss.md). torch's own Muon (2.9 and newer) takes two
    axes only.

    A resumed training goes on with the options of its checkpoint, but for the rate.

    Matrices of one shape, up to transposition, are orthogonalised as one batch.

    Args:
        params: Parameters or parameter groups.
        lr: Step of the matrices: the size of an update's singular values, times
            ``sqrt(rows / columns)`` for tall matrices.
        momentum: Of the matrices (Nesterov's form).
        adam_ratio: Adam's rate divided by ``lr``; one schedule then serves both.
        betas: Adam's.
        eps: Adam's.
        weight_decay: Decoupled, of the matrices.
        stack_axis: Which of three axes counts the matrices.
        axes: How many axes the parameters have that Muon takes, some of 2, 3 and 4.
        largest: Numbers in a parameter from which on it is Adam's all the same: to orthogonalise it
            would take longer than what else a step does.

    Raises:
        ValueError: Another number of axes.
    """

    def __init__(self, params, lr: float = 2e-2, momentum: float = 0.95, adam_ratio: float = 0.25,
                 betas: Tuple[float, float] = (0.9, 0.98), eps: float = 1e-8,
                 weight_decay: float = 0., stack_axis: int = 0, axes: Sequence[int] = (3,),
                 largest: float = float('inf')) -> None:
        if set(axes) - {2, 3, 4}:
            raise ValueError(f'axes must be some of 2, 3 and 4, got {axes}')
        super().__init__(params, dict(lr=lr, momentum=momentum, adam_ratio=adam_ratio, betas=betas,
                                      eps=eps, weight_decay=weight_decay, stack_axis=stack_axis,
                                      axes=tuple(axes), largest=largest))

    def __setstate__(self, state: dict) -> None:
        """Take a state, also of a checkpoint from before there were ``axes`` or ``stack_axis``.

        Raises:
            UserError: The state is another optimizer's.
        """
        super().__setstate__(state)
        for group in self.param_groups:
            if 'adam_ratio' not in group:
                raise UserError('the checkpoint was trained with another optimizer than '
                                'StackedMuon: train anew, or load its weights with load_from')
            group.setdefault('stack_axis', 0)
            group.setdefault('axes', (3,))
            group.setdefault('largest', float('inf'))

    @torch.no_grad()
    def step(self, closure=None) -> Optional[Tensor]:
        """One update; ``closure``, if given, computes the loss first and gives it back."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            learned = [p for p in group['params'] if p.grad is not None]
            ours = [p.dim() in group['axes'] and p.numel() < group['largest'] for p in learned]
            self._step_matrices([p for p, own in zip(learned, ours) if own], group)
            self._step_others([p for p, own in zip(learned, ours) if not own], group)
        return loss

    def _step_matrices(self, params: List[Tensor], group: dict) -> None:
        axis = group['stack_axis']
        buckets: Dict[tuple, list] = defaultdict(list)
        for param in params:
            update = _stacked(self._with_momentum(param, group), axis)
            buckets[(*sorted(update.shape[1:]), param.dtype, param.device)].append((param, update))
        for bucket in buckets.values():
            params, updates = zip(*bucket)
            tall = [update.shape[1] > update.shape[2] for update in updates]
            wide = torch.cat([_turned(update, turn) for update, turn in zip(updates, tall)])
            wide = orthogonalise(wide).split([len(update) for update in updates])
            for param, update, turn in zip(params, wide, tall):
                update = _turned(update, turn)
                if group['weight_decay']:
                    param.mul_(1 - group['lr'] * group['weight_decay'])
                ratio = max(1., update.shape[1] / update.shape[2]) ** 0.5
                param.add_(_as_param(update, param, axis), alpha=-group['lr'] * ratio)

    def _with_momentum(self, param: Tensor, group: dict) -> Tensor:
        state = self.state[param]
        if not state:
            state['momentum'] = torch.zeros_like(param)
        average = state['momentum'].lerp_(param.grad, 1 - group['momentum'])
        return param.grad.lerp(average, group['momentum'])

    def _step_others(self, params: List[Tensor], group: dict) -> None:
        first, second = group['betas']
        for param in params:
            state = self.state[param]
            if not state:
                state.update(step=0, mean=torch.zeros_like(param), square=torch.zeros_like(param))
            state['step'] += 1
            state['mean'].lerp_(param.grad, 1 - first)
            state['square'].mul_(second).addcmul_(param.grad, param.grad, value=1 - second)
            spread = (state['square'] / (1 - second ** state['step'])).sqrt_().add_(group['eps'])
            rate = group['lr'] * group['adam_ratio'] / (1 - first ** state['step'])
            param.addcdiv_(state['mean'], spread, value=-rate)


def _stacked(param: Tensor, axis: int) -> Tensor:
    """A parameter's matrices, ``(N, rows, columns)``."""
    return param.movedim(axis, 0) if param.dim() == 3 else param.flatten(1)[None]


def _as_param(matrices: Tensor, param: Tensor, axis: int) -> Tensor:
    return matrices.movedim(0, axis) if param.dim() == 3 else matrices.reshape(param.shape)


def _turned(matrices: Tensor, turn: bool) -> Tensor:
    return matrices.transpose(1, 2) if turn else matrices
