"""Lifters of single poses: from a config and a checkpoint to the 3D of a recording."""
import copy

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from mmviewpose.apis import lift_recording, load_lifter
from mmviewpose.engine.errors import UserError
from mmviewpose.engine.runner import load_config
from mmviewpose.geometry.scaled_perspective import NOMINAL_FOCAL
from mmviewpose.registry import MODELS

DISTANCE, SIZE = 4500., (640, 480)
NETWORK = dict(type='PartLifter', width=8, blocks=1)
KINDS = {
    'DepthLifter': dict(depth=dict(type='JointPositionLoss')),
    'AdversarialLifter': dict(critic=dict(type='PoseCritic', width=8, blocks=1)),
}


def save(folder, kind='DepthLifter', dataset=dict(focal=1.4, min_score=0.5), signs=None,
         projection='perspective'):
    """Files of an untrained lifter: config and checkpoint."""
    model = dict(type=kind, lifter=NETWORK, parts='leg-torso', skeleton='h36m17',
                 projection=projection, distance=DISTANCE, **KINDS[kind])
    config = folder / 'config.py'
    config.write_text(f'model = {model!r}\ntrain_dataloader = dict(dataset={dataset!r})\n')
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        built = MODELS.build(copy.deepcopy(load_config(str(config)).model))
    if signs is not None:
        built.lifter.signs.copy_(signs)
    torch.save(dict(state_dict=built.state_dict()), folder / 'epoch_1.pth')
    return config, folder / 'epoch_1.pth'


def recording(frames=6):
    random = np.random.default_rng(0)
    return random.uniform(60, 420, (frames, 17, 2)), np.full((frames, 17), 0.9)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('size', [SIZE, SIZE[::-1]])
def test_poses_are_seen_where_the_key_points_are(kind, size, tmp_path):
    lifter = load_lifter(*save(tmp_path, kind))
    assert lifter[1:] == (1, 'h36m17', 1.4, 0.5) and not lifter.model.training
    keypoints, scores = recording()
    poses = lift_recording(lifter, keypoints, scores, size)
    assert poses.shape == (6, 17, 3) and poses.dtype == np.float32
    assert not poses[:, 0].any() and np.ptp(poses[..., 2]) > 1
    seen = 1.4 * 640 * poses[..., :2] / (poses[..., 2:] + DISTANCE)
    np.testing.assert_allclose(seen + keypoints[:, :1], keypoints, atol=1e-2)
    # each frame on its own
    np.testing.assert_allclose(lift_recording(lifter, keypoints[2:3], scores[2:3], size),
                               poses[2:3], atol=1e-2)


def test_frames_without_a_joint_are_nan(tmp_path):
    lifter = load_lifter(*save(tmp_path))
    keypoints, scores = recording()
    whole = lift_recording(lifter, keypoints, scores, SIZE)
    scores[1, 5], scores[3, 16], scores[4, 2], scores[5] = 0.49, 0., np.nan, 0.5
    keypoints[3, 16] = np.nan
    poses = lift_recording(lifter, keypoints, scores, SIZE)
    assert np.isnan(poses[[1, 3, 4]]).all()
    np.testing.assert_allclose(poses[[0, 2, 5]], whole[[0, 2, 5]], atol=1e-2)
    assert np.isnan(lift_recording(lifter, keypoints, 0 * scores, SIZE)).all()


def test_what_the_config_does_not_say(tmp_path):
    assert load_lifter(*save(tmp_path, dataset={}))[3:] == (NOMINAL_FOCAL, 0.2)


def test_signs_of_the_checkpoint(tmp_path):
    signs = torch.ones(16)
    signs[4:9] = -1
    keypoints, scores = recording()
    plain, turned = (
        lift_recording(load_lifter(*save(tmp_path, 'AdversarialLifter', signs=value)), keypoints,
                       scores, SIZE)[:, 1:, 2] for value in (None, signs))
    assert np.abs(plain[:, 4:9]).min() > 0
    np.testing.assert_allclose(turned, plain * signs.numpy(), atol=1e-2)


@pytest.mark.parametrize('kind', KINDS)
def test_an_orthographic_lifter_is_refused(kind, tmp_path):
    with pytest.raises(UserError, match=r"config\.py: an orthographic lifter .*'perspective'"):
        load_lifter(*save(tmp_path, kind, projection='orthographic'))


def test_what_is_no_lifter_or_another_ones_checkpoint(tmp_path):
    config, checkpoint = save(tmp_path)
    other = tmp_path / 'other.py'
    other.write_text("model = dict(type='SiameseAutoencoder')")
    with pytest.raises(UserError, match='other.py: the model must be .* got SiameseAutoencoder'):
        load_lifter(other, checkpoint)
    (tmp_path / 'a').mkdir()
    with pytest.raises(UserError, match='not a checkpoint of this DepthLifter: .* unexpected'):
        load_lifter(config, save(tmp_path / 'a', 'AdversarialLifter')[1])
