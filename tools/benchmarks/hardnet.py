"""The Hardnet loss against a loop over its pairs and pytorch-metric-learning: forward + backward."""
import statistics
import time
from typing import Callable, Dict, List, Tuple

import torch
from torch import Tensor

from mmviewpose.functional import hardnet_loss

SIZES = (66, 512)
WIDTH = 128
BETA, ALPHA = 0.3, 0.6


def pair_by_pair(anchors: Tensor, positives: Tensor, instants: Tensor) -> Tensor:
    """Eq. 1 and 2 of the paper, one pair after the other."""
    total = 0.
    for anchor, positive, instant in zip(anchors, positives, instants):
        total = total + (anchor - positive).norm()
        others = instants != instant
        distances = torch.cat([(anchor - positives[others]).norm(dim=1),
                               (anchors[others] - positive).norm(dim=1)])
        distances = distances[distances > BETA]
        if len(distances):
            total = total + (ALPHA - distances.min()).relu()
    return total / len(anchors)


def metric_learning(anchors: Tensor, positives: Tensor, instants: Tensor) -> Tensor:
    """The same of pytorch-metric-learning's parts: its miner for anchors and for positives, and its
    contrastive loss for the nearer of the two."""
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.losses import ContrastiveLoss
    from pytorch_metric_learning.miners import BatchEasyHardMiner
    from pytorch_metric_learning.reducers import SumReducer
    distance = LpDistance(normalize_embeddings=False)
    miner = BatchEasyHardMiner('easy', 'hard', distance=distance,
                               allowed_neg_range=(BETA, float('inf')))
    others = instants.clone()  # were it the same object, pairs would not be positives
    _, _, rows, nearest_positives = miner(anchors, instants, positives, others)
    _, _, columns, nearest_anchors = miner(positives, instants, anchors, others)
    with torch.no_grad():
        nearest = anchors.new_full((2, len(anchors)), float('inf'))
        nearest[0, rows] = distance.pairwise_distance(anchors[rows], positives[nearest_positives])
        nearest[1, columns] = distance.pairwise_distance(anchors[nearest_anchors],
                                                         positives[columns])
        by_row = (nearest[0] <= nearest[1])[rows]
        by_column = (nearest[0] > nearest[1])[columns]
    own = torch.arange(len(anchors), device=anchors.device)
    pairs = (own, own, torch.cat([rows[by_row], nearest_anchors[by_column]]),
             torch.cat([nearest_positives[by_row], columns[by_column]]))
    loss = ContrastiveLoss(0., ALPHA, distance=distance, reducer=SumReducer())
    return loss(anchors, indices_tuple=pairs, ref_emb=positives) / len(anchors)


def ours(anchors: Tensor, positives: Tensor, instants: Tensor) -> Tensor:
    """The function of this package."""
    return hardnet_loss(anchors, positives, instants, BETA, ALPHA)


def _forms() -> Dict[str, Callable]:
    forms = dict(loop=pair_by_pair, ours=ours)
    try:
        import pytorch_metric_learning  # noqa: F401
    except ImportError:
        print('pytorch-metric-learning is not installed: left out')
    else:
        forms['pml'] = metric_learning
    return forms


def _pairs(size: int) -> Tuple[Tensor, Tensor, Tensor]:
    """Embeddings of length 1, a third of them near each other, every eighth moment twice."""
    generator = torch.Generator().manual_seed(0)
    poses = torch.randn(size, WIDTH, generator=generator)
    poses[::3] = poses[:1] + 0.4 * torch.rand(len(poses[::3]), 1, generator=generator) * poses[::3]
    anchors, positives = (torch.nn.functional.normalize(
        poses + 0.15 * torch.randn(size, WIDTH, generator=generator), dim=1) for _ in range(2))
    instants = torch.arange(size)
    instants[1::8] = instants[::8][:len(instants[1::8])]
    return anchors, positives, instants


def _step(form: Callable, pairs: Tuple[Tensor, Tensor, Tensor]) -> Tuple[Tensor, Tensor]:
    """The loss and its gradient, ``(2, m, D)``."""
    anchors, positives = (part.detach().requires_grad_() for part in pairs[:2])
    loss = form(anchors, positives, pairs[2])
    loss.backward()
    return loss.detach(), torch.stack([anchors.grad, positives.grad])


def largest_difference(forms: Dict[str, Callable], pairs: Tuple[Tensor, Tensor, Tensor]) -> float:
    """Relative difference of a form's loss or gradient from those of the loop, in float64: in
    float32 pytorch-metric-learning's distances may choose another of two close negatives."""
    exact = (pairs[0].double(), pairs[1].double(), pairs[2])
    wanted = _step(pair_by_pair, exact)
    return max(float((value - target).norm() / target.norm())
               for form in forms.values() for value, target in zip(_step(form, exact), wanted))


def _medians(forms: Dict[str, Callable], pairs: Tuple[Tensor, Tensor, Tensor], rounds: int
             ) -> Dict[str, float]:
    """Milliseconds of processor time of each form; they take turns, so that what else the machine
    does matters little."""
    times: Dict[str, List[float]] = {name: [] for name in forms}
    for turn in range(rounds + 1):
        for name, form in forms.items():
            for _ in range(1 if name == 'loop' else 5):
                start = time.process_time()
                _step(form, pairs)
                if turn:
                    times[name].append(1e3 * (time.process_time() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def run(rounds: int = 15) -> Dict[str, float]:
    """Times forward + backward on embeddings of 128 numbers in float32, on one thread.

    Args:
        rounds: Measurements of the loop, and a fifth of those of the others.

    Returns:
        For the paper's batch of 66 pairs ``loop_ms``, ``ours_ms`` and their quotient ``ratio``; the
        same for 512 pairs, ``..._512``; where pytorch-metric-learning is installed also ``pml_ms``
        and its quotient with ours, ``ratio_pml``; ``max_rel_diff``, the largest relative difference
        of a loss or gradient from the loop's, over all forms and sizes, in float64.

    Raises:
        RuntimeError: The forms do not agree.
    """
    before, forms = torch.get_num_threads(), _forms()
    torch.set_num_threads(1)
    found: Dict[str, float] = {}
    differences = []
    try:
        for size in SIZES:
            ending = '' if size == SIZES[0] else f'_{size}'
            pairs = _pairs(size)
            differences.append(largest_difference(forms, pairs))
            medians = _medians(forms, pairs, rounds)
            found[f'ratio{ending}'] = medians['loop'] / medians['ours']
            if 'pml' in medians:
                found[f'ratio_pml{ending}'] = medians['pml'] / medians['ours']
            found.update({f'{name}_ms{ending}': value for name, value in medians.items()})
    finally:
        torch.set_num_threads(before)
    if max(differences) > 1e-5:
        raise RuntimeError(f'the forms do not agree: {max(differences):.1e}')
    return dict(found, max_rel_diff=max(differences))
