"""Our losses in a config of mmpose's own."""
import pytest
import torch

mmpose = pytest.importorskip('mmpose')

from mmengine.config import Config  # noqa: E402
from mmengine.registry import DefaultScope  # noqa: E402

CONFIG = ('mmpose::body_3d_keypoint/video_pose_lift/h36m/'
          'video-pose-lift_tcn-27frm-supv_8xb128-160e_h36m.py')


def users_config(tmp_path, loss):
    path = tmp_path / 'mine.py'
    path.write_text(f"_base_ = ['{CONFIG}']\nmodel = dict(head=dict(loss={loss!r}))\n")
    return Config.fromfile(str(path))


@pytest.mark.parametrize('loss', [
    dict(_delete_=True, type='mmviewpose.JointPositionLoss'),
    dict(_delete_=True, type='mmviewpose.BoneLengthLoss', skeleton='h36m17'),
    dict(_delete_=True, type='mmviewpose.LimbSymmetryLoss', skeleton='h36m17')],
    ids=lambda loss: loss['type'])
def test_a_line_in_a_users_config(loss, tmp_path):
    cfg = users_config(tmp_path, loss)
    from mmengine.structures import InstanceData
    from mmpose.registry import MODELS
    from mmpose.structures import PoseDataSample

    import mmviewpose.compat  # noqa: F401
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpose'):
        model = MODELS.build(cfg.model)
        samples = []
        for _ in range(3):
            sample = PoseDataSample(gt_instance_labels=InstanceData(
                lifting_target_label=torch.randn(1, 17, 3),
                lifting_target_weight=torch.ones(1, 17)))
            samples.append(sample)
        loss = model(torch.randn(3, 34, 27), samples, mode='loss')['loss_pose3d']
    assert loss.dim() == 0 and loss > 0
    loss.backward()
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())


def test_weights_of_hosts():
    from mmviewpose.models.losses.joint_weight import joint_weight
    pred, weight = torch.zeros(2, 17, 3), torch.rand(2, 17)
    assert joint_weight(None, pred) is None
    assert torch.equal(joint_weight(weight, pred), weight)
    assert torch.equal(joint_weight(weight[..., None], pred), weight)
    with pytest.raises(ValueError, match='one weight a joint'):
        joint_weight(pred, pred)
