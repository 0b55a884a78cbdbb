import pytest
import torch

from mmviewpose.datasets.transforms import EncodePoses
from mmviewpose.engine.runner import check_data
from mmviewpose.errors import UserError
from mmviewpose.models import SeBiReNetEncoder

ENCODER = dict(type='SeBiReNetEncoder', hidden_channels=5, feature_channels=4)


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    model = SeBiReNetEncoder(hidden_channels=5, feature_channels=4)
    path = str(tmp_path / 'encoder.pth')
    torch.save(dict(state_dict={f'encoder.{k}': v for k, v in model.state_dict().items()}), path)
    return model, path


def with_weights(path):
    return dict(ENCODER, init_cfg=dict(type='Pretrained', checkpoint=path, prefix='encoder.'))


@pytest.mark.parametrize('shape', [(3, 7), (2, 2, 5)])
def test_features_stand_behind_the_coordinates(checkpoint, shape, monkeypatch):
    model, path = checkpoint
    monkeypatch.setattr('mmviewpose.datasets.transforms.encode_poses.CHUNK', 8)
    positions = 300 * torch.randn(*shape, 17, 3)
    batch = EncodePoses(with_weights(path))(dict(keypoints=positions))
    assert torch.equal(batch['keypoints'][..., :3], positions)
    poses = (positions - positions[..., :1, :]).reshape(-1, 17, 3)
    torch.testing.assert_close(batch['keypoints'][..., 3:].reshape(-1, 17, 4),
                               model(poses).view_invariant)
    assert not batch['keypoints'].requires_grad


def test_a_missing_checkpoint_is_named_before_anything_is_read(tmp_path):
    (tmp_path / 'archive.npz').write_bytes(b'')
    dataset = dict(type='ActionDataset', ann_file='archive.npz', data_root=str(tmp_path),
                   prepare=[dict(type='EncodePoses', encoder=with_weights('nowhere.pth'))])
    with pytest.raises(UserError, match='nowhere.pth.*sebirenet_mocap.py'):
        check_data(dict(test_dataloader=dict(dataset=dataset)), 'test_dataloader')
