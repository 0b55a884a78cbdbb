import sys

import numpy as np
import pytest
import torch

from mmviewpose.apis import export_encoder, load_encoder, pose_features
from mmviewpose.apis.encoder import FORMAT, PACKAGED
from mmviewpose.apis.features import main
from mmviewpose.datasets.formats import write_archive
from mmviewpose.datasets.synthetic import synthetic_clips, synthetic_poses
from mmviewpose.engine.errors import UserError
from mmviewpose.errors import DatasetError
from mmviewpose.models import SeBiReNetEncoder
from mmviewpose.registry import MODELS

ENCODER = dict(type='SeBiReNetEncoder', skeleton='ape17', hidden_channels=8, unit=900.,
               init_cfg=dict(type='Pretrained', checkpoint='elsewhere.pth', prefix='encoder.'))
CONFIG = f'a = 1\nmodel = dict(type=SomeClass, encoder={ENCODER!r}, losses=[dict(a=(1, 2))])\n'


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """A training checkpoint and the encoder exported from it."""
    folder = tmp_path_factory.mktemp('encoder')
    torch.manual_seed(0)
    encoder = MODELS.build({**ENCODER, 'init_cfg': None})
    state = {f'encoder.{key}': value for key, value in encoder.state_dict().items()}
    torch.save(dict(meta=dict(cfg=CONFIG), state_dict={**state, 'decoder.w': torch.ones(2)}),
               folder / 'epoch_1.pth')
    export_encoder(folder / 'epoch_1.pth', folder / 'encoder.pth')
    return folder


@pytest.fixture
def encoder(files):
    return load_encoder(files / 'encoder.pth')


@pytest.fixture(scope='module')
def clips():
    return synthetic_clips(3, 12, seed=1)


def test_the_exported_encoder_is_the_trained_one(files, encoder):
    trained = torch.load(files / 'epoch_1.pth', weights_only=True)['state_dict']
    assert encoder.unit == 900. and not encoder.training
    for key, value in encoder.state_dict().items():
        assert torch.equal(value, trained[f'encoder.{key}'])
    content = torch.load(files / 'encoder.pth', weights_only=True)
    assert content['format'] == FORMAT and 'init_cfg' not in content['encoder']
    assert all(key.startswith('encoder.') for key in content['state_dict'])


def test_the_exported_file_initialises_a_model(files, encoder):
    model = MODELS.build({**ENCODER, 'init_cfg': dict(
        type='Pretrained', checkpoint=str(files / 'encoder.pth'), prefix='encoder.')})
    model.init_weights()
    for key, value in encoder.state_dict().items():
        assert torch.equal(value, model.state_dict()[key])


def test_half_precision_changes_little(files, tmp_path, clips, encoder):
    export_encoder(files / 'epoch_1.pth', tmp_path / 'half.pth', half=True)
    assert (tmp_path / 'half.pth').stat().st_size < (files / 'encoder.pth').stat().st_size
    poses = clips[0].positions
    np.testing.assert_allclose(pose_features(poses, 'ape17', checkpoint=tmp_path / 'half.pth'),
                               pose_features(poses, 'ape17', checkpoint=encoder), atol=5e-3)


def test_a_config_file_may_be_given(files, tmp_path):
    state = torch.load(files / 'epoch_1.pth', weights_only=True)['state_dict']
    torch.save(dict(state_dict=state), tmp_path / 'bare.pth')
    with pytest.raises(UserError, match='--config'):
        export_encoder(tmp_path / 'bare.pth', tmp_path / 'out.pth')
    (tmp_path / 'config.py').write_text(CONFIG.replace('type=SomeClass', "type='SomeClass'"))
    export_encoder(tmp_path / 'bare.pth', tmp_path / 'out.pth', tmp_path / 'config.py')
    assert isinstance(load_encoder(tmp_path / 'out.pth'), SeBiReNetEncoder)


def test_wrong_checkpoints_are_refused_and_leave_nothing(files, tmp_path):
    out = tmp_path / 'out.pth'
    state = torch.load(files / 'epoch_1.pth', weights_only=True)['state_dict']
    state.pop('encoder.pose_layer.bias')
    torch.save(dict(meta=dict(cfg=CONFIG), state_dict=state), tmp_path / 'other.pth')
    (tmp_path / 'broken.pth').write_bytes((files / 'epoch_1.pth').read_bytes()[:2000])
    for name, words in (('other.pth', 'other.pth is not a checkpoint of this.*1 missing'),
                        ('broken.pth', 'not a readable'), ('absent.pth', 'not found')):
        with pytest.raises(UserError, match=words):
            export_encoder(tmp_path / name, out)
    with pytest.raises(UserError, match='export_encoder.py'):
        load_encoder(files / 'epoch_1.pth')
    assert {path.name for path in tmp_path.iterdir()} == {'other.pth', 'broken.pth'}


def test_the_config_in_a_checkpoint_is_not_run(files, tmp_path):
    bad = CONFIG.replace('a = 1', f'open({str(tmp_path / "mark")!r}, "w")')
    bad = bad.replace("'ape17'", '__import__("os").getcwd()')
    state = torch.load(files / 'epoch_1.pth', weights_only=True)['state_dict']
    torch.save(dict(meta=dict(cfg=bad), state_dict=state), tmp_path / 'bad.pth')
    with pytest.raises(Exception):
        export_encoder(tmp_path / 'bad.pth', tmp_path / 'out.pth')
    assert not (tmp_path / 'mark').exists() and not (tmp_path / 'out.pth').exists()


# Features


def test_features_of_an_array(clips, encoder):
    poses = clips[0].positions
    features, view = pose_features(poses, 'ape17', checkpoint=encoder, view=True)
    assert features.shape == (12, 17, 16) and view.shape == (12, 16, 16)
    assert features.dtype == np.float32 and abs(features).max() <= 1
    # neither place nor size nor the up axis of the source matter
    other = 1.3 * poses[..., [0, 2, 1]] * np.float32([1, -1, 1]) + np.float32([3, 2, 1])
    again = pose_features(other, 'ape17', up='+z', checkpoint=encoder)
    np.testing.assert_allclose(again, features, atol=1e-4)
    sized = pose_features(1.3 * poses, 'ape17', checkpoint=encoder, total_bone_length=None)
    assert abs(sized - features).max() > 1e-3


def test_other_layouts_are_mapped(encoder):
    poses = np.random.default_rng(0).normal(scale=400, size=(5, 20, 3))
    assert pose_features(poses, 'nucla20', checkpoint=encoder).shape == (5, 17, 16)


def test_masked_frames_are_nan(clips, encoder):
    poses = clips[0].positions.copy()
    expected = pose_features(poses, 'ape17', checkpoint=encoder)
    poses[2], poses[7] = np.nan, 0.
    features = pose_features(poses, 'ape17', checkpoint=encoder)
    assert np.isnan(features[[2, 7]]).all()
    kept = np.delete(np.arange(12), [2, 7])
    np.testing.assert_allclose(features[kept], expected[kept], atol=1e-3)


def test_an_archive_gives_all_its_frames(tmp_path, clips, files):
    write_archive(tmp_path / 'clips.npz', clips)
    checkpoint = files / 'encoder.pth'
    features = pose_features(tmp_path / 'clips.npz', checkpoint=checkpoint)
    assert features.shape == (36, 17, 16)
    one = pose_features(clips[1].positions, 'ape17', checkpoint=checkpoint)
    np.testing.assert_allclose(features[12:24], one, atol=1e-6)


def test_what_cannot_be_read_is_refused(tmp_path, encoder):
    (tmp_path / 'clip.txt').write_text('')
    (tmp_path / 'clip.npz').write_text('')
    for name, words in (('clip.txt', "no reader for .txt"), ('clip.npz', 'not a readable'),
                        ('absent.amc', 'absent')):
        with pytest.raises(DatasetError, match=words):
            pose_features(tmp_path / name, checkpoint=encoder)
    with pytest.raises(ValueError, match='layout'):
        pose_features(np.zeros((2, 17, 3)), checkpoint=encoder)
    with pytest.raises(DatasetError, match='17, 3'):
        pose_features(np.ones((2, 16, 3)), 'ape17', checkpoint=encoder)
    with pytest.raises(UserError, match='not found'):
        pose_features(np.ones((2, 17, 3)), 'ape17', checkpoint=tmp_path / 'absent.pth')


def test_an_encoder_without_views_has_none_to_give():
    encoder = MODELS.build({**ENCODER, 'init_cfg': None, 'decompose': False})
    with pytest.raises(ValueError, match='view'):
        pose_features(np.ones((2, 17, 3)), 'ape17', checkpoint=encoder, view=True)


def test_the_command_writes_the_features(tmp_path, clips, files, capsys):
    write_archive(tmp_path / 'clips.npz', clips)
    arguments = [str(tmp_path / 'clips.npz'), str(tmp_path / 'out.npz'), '--checkpoint',
                 str(files / 'encoder.pth')]
    main(arguments)
    with np.load(tmp_path / 'out.npz', allow_pickle=False) as out:
        assert out['view_invariant'].shape == (36, 17, 16) and out['view'].shape == (36, 16, 16)
    assert '(36, 17, 16)' in capsys.readouterr().out
    arguments[0] = str(tmp_path / 'absent.amc')
    with pytest.raises(SystemExit):
        main(arguments)
    assert 'absent.amc' in capsys.readouterr().err


def test_importing_the_room_loads_nothing_heavy():
    assert 'load_encoder' in sys.modules['mmviewpose.apis'].__all__
    with pytest.raises(AttributeError):
        getattr(sys.modules['mmviewpose.apis'], 'absent')


def test_the_packaged_encoder(clips):
    assert PACKAGED.stat().st_size < 5e6
    features, view = pose_features(clips[0].positions, 'ape17', view=True)
    assert features.shape == (12, 17, 16) and view.shape == (12, 16, 16)
    assert np.isfinite(features).all()


def test_the_packaged_feature_changes_with_the_pose_and_little_with_the_view():
    poses = synthetic_poses(200, seed=5)
    features = pose_features(poses, 'ape17')
    turned = pose_features(poses[..., [2, 1, 0]] * np.float32([1, 1, -1]), 'ape17')  # by 90 degrees
    between_poses = 2 * features.var(0).mean()
    assert np.square(features - turned).mean() < 0.3 * between_poses
