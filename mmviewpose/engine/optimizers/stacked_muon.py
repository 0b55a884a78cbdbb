"""Muon for parameters that are stacks of matrices, Adam for all others."""
from collections import defaultdict
from typing import Dict, List, Optional, Tuple

import torch
from torch import Tensor

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
    """Muon on each matrix of every parameter with three axes; Adam on all other parameters.

    A tree network keeps one small matrix a node, stacked into ``(nodes, rows, columns)``. Adam sees
    single numbers; an orthogonalised update moves every direction of every node's matrix equally,
    those with small gradients too, and a SeBiReNet then needs less than half of Adam's steps
    (docs/methods/sebirenet.md). So does a network of 1D convolutions (docs/methods/twoviews.md),
    whose weights ``(out, in, taps)`` are a matrix a tap: ``stack_axis=2``. torch's own Muon (2.9
    and newer) takes two axes only.

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
        stack_axis: Which of the three axes counts the matrices.
    """

    def __init__(self, params, lr: float = 2e-2, momentum: float = 0.95, adam_ratio: float = 0.25,
                 betas: Tuple[float, float] = (0.9, 0.98), eps: float = 1e-8,
                 weight_decay: float = 0., stack_axis: int = 0) -> None:
        super().__init__(params, dict(lr=lr, momentum=momentum, adam_ratio=adam_ratio, betas=betas,
                                      eps=eps, weight_decay=weight_decay, stack_axis=stack_axis))

    @torch.no_grad()
    def step(self, closure=None) -> Optional[Tensor]:
        """One update; ``closure``, if given, computes the loss first and gives it back."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            learned = [p for p in group['params'] if p.grad is not None]
            self._step_matrices([p for p in learned if p.dim() == 3], group)
            self._step_others([p for p in learned if p.dim() != 3], group)
        return loss

    def _step_matrices(self, params: List[Tensor], group: dict) -> None:
        axis = group['stack_axis']
        buckets: Dict[tuple, list] = defaultdict(list)
        for param in params:
            key = (*sorted(param.movedim(axis, 0).shape[1:]), param.dtype, param.device)
            buckets[key].append(param)
        for bucket in buckets.values():
            updates = torch.cat([_wide(self._with_momentum(p, group).movedim(axis, 0))
                                 for p in bucket])
            updates = orthogonalise(updates).split([p.shape[axis] for p in bucket])
            for param, update in zip(bucket, updates):
                matrices = param.movedim(axis, 0)  # a view
                rows, columns = matrices.shape[1:]
                if rows > columns:
                    update = update.transpose(1, 2)
                if group['weight_decay']:
                    param.mul_(1 - group['lr'] * group['weight_decay'])
                matrices.add_(update, alpha=-group['lr'] * max(1., rows / columns) ** 0.5)

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


def _wide(matrices: Tensor) -> Tensor:
    return matrices if matrices.shape[1] <= matrices.shape[2] else matrices.transpose(1, 2)
