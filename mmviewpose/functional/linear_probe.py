"""How much of a label can be read off features by a linear classifier."""
import torch
from torch import Tensor
from torch.nn import functional as F


def linear_probe_accuracy(features: Tensor, labels: Tensor, test_features: Tensor,
                          test_labels: Tensor, ridge: float = 1e-3, steps: int = 50) -> float:
    """Accuracy of multinomial logistic regression, fitted on one set and tested on another.

    Features are centred and scaled by their statistics in the first set. Weights minimise the mean
    cross-entropy plus ``ridge / 2`` times their squared norm (L-BFGS).

    Args:
        features: ``(N, D)``.
        labels: Classes from 0, ``(N,)``.
        test_features: ``(M, D)``.
        test_labels: ``(M,)``.
        ridge: As above.
        steps: Iterations of L-BFGS.

    Returns:
        Share of right answers, 0 to 1.

    Raises:
        ValueError: Fewer than two classes, or features that are not finite.
    """
    features, test_features = (part.detach().double().flatten(1)
                               for part in (features, test_features))
    if not (features.isfinite().all() and test_features.isfinite().all()):
        raise ValueError('features hold values that are not finite')
    classes = int(labels.max()) + 1
    if len(labels.unique()) < 2:
        raise ValueError('a probe needs at least two classes')
    mean, std = features.mean(0), features.std(0).clamp_min(1e-9)
    train, test = ((part - mean) / std for part in (features, test_features))
    weight = torch.zeros(classes, train.shape[1], dtype=train.dtype, device=train.device,
                         requires_grad=True)
    bias = torch.zeros_like(weight[:, 0], requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=steps, line_search_fn='strong_wolfe')

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(F.linear(train, weight, bias), labels)
        value = value + ridge / 2 * weight.square().sum()
        value.backward()
        return value

    with torch.enable_grad():
        optimizer.step(loss)
    answers = F.linear(test, weight, bias).argmax(1)
    return (answers == test_labels).double().mean().item()
