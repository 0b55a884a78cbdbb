import pytest
import torch

pytest.importorskip('mmengine')

from mmviewpose import functional  # noqa: E402
from mmviewpose.registry import MODELS  # noqa: E402


def draw(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize('reduction', ['mean', 'sum'])
def test_view_losses_hold_a_weight_and_call_their_function(reduction):
    decoded, images = draw(2, 4, 2, 3, 6, 6).unbind(0)
    loss = MODELS.build(dict(type='ViewReconstructionLoss', loss_weight=.5, reduction=reduction))
    torch.testing.assert_close(
        loss(decoded, images),
        .5 * functional.view_reconstruction_loss(decoded, images, reduction))
    poses, moved = draw(2, 4, 2, 7, 3).unbind(0)
    shift = draw(4, 2, 2)
    loss = MODELS.build(dict(type='EquivarianceLoss', loss_weight=.5, reduction=reduction))
    torch.testing.assert_close(
        loss(poses, moved, shift),
        .5 * functional.equivariance_loss(poses, moved, shift, reduction))


def test_the_papers_weights():
    """Eq. 8: alpha and gamma 1, beta 0.001."""
    assert MODELS.build(dict(type='ViewReconstructionLoss')).loss_weight == 1.
    assert MODELS.build(dict(type='EquivarianceLoss')).loss_weight == .001


def test_they_hold_no_state():
    for name in ('ViewReconstructionLoss', 'EquivarianceLoss'):
        loss = MODELS.build(dict(type=name))
        assert not loss.state_dict() and not list(loss.parameters())
