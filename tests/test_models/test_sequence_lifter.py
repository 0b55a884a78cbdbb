import pytest
import torch
from mmengine.registry import DefaultScope

from mmviewpose.datasets.datasets.multiview_dataset import SyntheticViewDataset
from mmviewpose.geometry.scaled_perspective import image_to_plane, plane_to_pose, pose_to_plane
from mmviewpose.errors import UserError
from mmviewpose.models import SequenceLifter
from mmviewpose.models.estimators.sequence_lifter import image_frame, person_frame
from mmviewpose.registry import MODELS

REPROJECTION = dict(type='ReprojectionLoss')
CONSISTENCY = dict(type='MultiviewConsistencyLoss', num_views=2)
SUPERVISED = dict(position=dict(type='JointPositionLoss'), velocity=dict(type='VelocityLoss'),
                  scale=dict(type='ScaleLoss'))


def lifter(seed=0, channels=24, **options):
    torch.manual_seed(seed)
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        model = SequenceLifter(
            dict(type='TemporalConvBackbone', stem_channels=channels, kernel_sizes=(3, 3),
                 dropout=0.),
            dict(type='PlaneHead', in_channels=channels), **options)
    model.init_weights()
    return model


@pytest.fixture(scope='module')
def dataset():
    return SyntheticViewDataset(
        24, synthetic_frames=18, num_views=2, num_frames=9,
        prepare=[dict(type='ProjectViews', angles=[0., 90.])],
        pipeline=[dict(type='PackViews')])


@pytest.fixture
def batch(dataset):
    return dataset.__getitems__(range(16))


def motionbert_points(points, size):
    """What mmpose's codec ``MotionBERTLabel`` makes of points in px: x / w * 2 - 1, y / w * 2 - h / w.
    """
    width, height = size[:, None, None].unbind(-1)
    return torch.stack([points[..., 0] / width * 2 - 1,
                        points[..., 1] / width * 2 - height / width], -1)


class Oracle(torch.nn.Module):
    """Says what it is told, in place of a network."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, x):
        return self.answer


def told_the_truth(batch, frame='person', **options):
    """A lifter whose network gives the true points and depths in the frame's unit."""
    model = lifter(frame=frame, **options)
    samples = batch['data_samples']
    truth = pose_to_plane(samples['target'] + samples['root'][:, :, None], model.distance)
    seen = image_to_plane(batch['inputs'][..., :2], samples['intrinsics'], model.distance)
    if frame == 'person':
        centre, size = person_frame(seen, torch.ones_like(seen[..., :1], dtype=torch.bool))
    else:
        centre, size = image_frame(samples['image_size'], samples['intrinsics'], model.distance)
    answer = torch.cat([truth[..., :2] - centre, truth[..., 2:]], -1) / size
    model.backbone, model.head = torch.nn.Identity(), Oracle(answer)
    return model


# Geometry


def test_a_plane_and_back():
    torch.manual_seed(0)
    pose = torch.randn(3, 5, 17, 3, dtype=torch.float64) * 300
    place = pose + torch.tensor([200., -100., 4000.])
    plane = pose_to_plane(place, 4.5)
    assert torch.equal(plane[..., 0, 2], torch.zeros(3, 5, dtype=torch.float64))
    scale = 4.5 / place[..., :1, 2:]
    torch.testing.assert_close(plane_to_pose(plane, 4.5), (place - place[..., :1, :]) * scale)
    # a camera's image of the pose lies where the plane says
    focal, middle = torch.tensor([900., 1100.]), torch.tensor([500., 480.])
    image = place[..., :2] / place[..., 2:] * focal + middle
    intrinsics = torch.cat([focal, middle]).double().expand(3, 4)
    torch.testing.assert_close(image_to_plane(image, intrinsics, 4.5), plane[..., :2])


def test_the_image_frame_is_motionberts(batch):
    samples = batch['data_samples']
    points, size = batch['inputs'][..., :2], samples['image_size']
    seen = image_to_plane(points, samples['intrinsics'], 4.5)
    centre, unit = image_frame(size, samples['intrinsics'], 4.5)
    torch.testing.assert_close((seen - centre) / unit, motionbert_points(points, size),
                               atol=1e-5, rtol=1e-4)


# Prediction


@pytest.mark.parametrize('frame', ['person', 'image'])
def test_the_right_answer_is_the_true_pose_and_costs_nothing(batch, frame):
    model = told_the_truth(batch, frame, reprojection=REPROJECTION, consistency=CONSISTENCY,
                           **SUPERVISED)
    found, = model(**batch, mode='predict')
    torch.testing.assert_close(found['keypoints'], found['target'], atol=0.05, rtol=0)
    assert found['mask'].shape == found['keypoints'].shape[:-1] and found['mask'].all()
    losses = model(**batch, mode='loss')
    assert set(losses) == {f'loss_{name}' for name in (
        'position', 'velocity', 'scale', 'reprojection', 'consistency')}
    assert all(value < 1e-4 for key, value in losses.items() if key != 'loss_consistency')
    # people walk towards one camera and past the other: one scale a clip does not quite fit both
    assert losses['loss_consistency'] < 0.02


def test_without_3d_the_distance_is_nominal(batch):
    samples = batch['data_samples']
    model = told_the_truth(batch)
    labelled = model(**batch, mode='predict')[0]['keypoints']
    samples['has_3d'] = torch.zeros_like(samples['has_3d'])
    predicted, = model(**batch, mode='predict')
    found = predicted['keypoints']
    assert not predicted['mask'].any()
    ratio = samples['root'][..., 2] / 4500
    torch.testing.assert_close(found * ratio[..., None, None], labelled)


def test_intrinsics_that_are_not_known_are_nominal(batch):
    model = lifter()
    samples = batch['data_samples']
    size = samples['image_size']
    known = dict(samples, intrinsics=torch.cat(
        [1.15 * size.amax(1, keepdim=True).expand(-1, 2), size / 2], 1))
    unknown = dict(samples, intrinsics=torch.full_like(samples['intrinsics'], torch.nan))
    model.eval()
    assert torch.equal(model(batch['inputs'], known), model(batch['inputs'], unknown))


def test_what_was_hardly_seen_is_not_looked_at(batch):
    model = lifter().eval()
    inputs = batch['inputs'].clone()
    inputs[:, 3:5, 2, 2] = 0.1
    before = model(inputs, batch['data_samples'])
    inputs[:, 3:5, 2, :2] += 300
    assert torch.equal(before, model(inputs, batch['data_samples']))


def test_a_wrong_setting(batch):
    with pytest.raises(ValueError, match="'person' or 'image'"):
        lifter(frame='world')
    with pytest.raises(ValueError, match='mode must be'):
        lifter()(**batch, mode='train')


# Weights


def test_motionbert_of_mmpose_is_the_same_network(batch, tmp_path):
    backbone = dict(type='mmpose.DSTFormer', in_channels=3, feat_size=16, depth=1, num_heads=2,
                    seq_len=9)
    head = dict(type='mmpose.MotionRegressionHead', in_channels=16, embedding_size=8,
                loss=dict(type='mmpose.MPJPELoss'))
    torch.manual_seed(3)
    with DefaultScope.overwrite_default_scope('mmpose'):
        theirs = MODELS.build(dict(type='mmpose.PoseLifter', backbone=backbone, head=head)).eval()
    torch.save(dict(state_dict=theirs.state_dict()), tmp_path / 'motionbert.pth')
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        model = SequenceLifter(backbone, head, frame='image', init_cfg=dict(
            type='Pretrained', checkpoint=str(tmp_path / 'motionbert.pth'))).eval()
    model.init_weights()
    samples, inputs = batch['data_samples'], batch['inputs']
    seen = motionbert_points(inputs[..., :2], samples['image_size'])
    with torch.no_grad():
        expected = theirs.head(theirs.backbone(torch.cat([seen, inputs[..., 2:]], -1)))
        found = model(**batch)
    centre, size = image_frame(samples['image_size'], samples['intrinsics'], model.distance)
    found = torch.cat([found[..., :2] - centre, found[..., 2:]], -1) / size
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_another_lifters_weights_are_refused(tmp_path):
    torch.save(dict(state_dict=lifter().state_dict()), tmp_path / 'small.pth')
    with pytest.raises(UserError, match='small.pth is not a checkpoint of this'):
        lifter(channels=32, init_cfg=dict(type='Pretrained',
                                          checkpoint=str(tmp_path / 'small.pth')))


# Losses


def test_only_labelled_samples_are_supervised(batch):
    model = lifter(**SUPERVISED, reprojection=REPROJECTION).eval()
    samples = batch['data_samples']
    half = torch.arange(16) < 8
    first = {key: value[half] for key, value in samples.items()}
    expected = model(batch['inputs'][half], first, mode='loss')
    samples['has_3d'] = half
    samples['target'][~half] = 0
    samples['root'][~half] = 0  # as data sets give what has no label
    losses = model(**batch, mode='loss')
    for name in SUPERVISED:
        torch.testing.assert_close(losses[f'loss_{name}'], expected[f'loss_{name}'])
    model.parse_losses(losses)[0].backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    samples['has_3d'] = torch.zeros(16, dtype=torch.bool)
    assert set(model(**batch, mode='loss')) == {'loss_reprojection'}


def test_views_of_different_windows_are_no_clip(batch):
    model = lifter(consistency=CONSISTENCY)
    batch['data_samples']['window'] = torch.arange(16)
    with pytest.raises(UserError, match='the same num_views'):
        model(**batch, mode='loss')


def test_masked_frames_do_not_count(batch):
    model = lifter(**SUPERVISED, reprojection=REPROJECTION, consistency=CONSISTENCY).eval()
    samples = batch['data_samples']
    samples['frame_mask'] = samples['frame_mask'].clone()
    samples['frame_mask'][:, 7:] = False
    samples['scores'] = samples['scores'] * samples['frame_mask'][..., None]
    before = model(**batch, mode='loss')
    samples['target'] = samples['target'].clone()
    samples['target'][:, 7:] += 100
    assert before == model(**batch, mode='loss')


def learn(model, dataset, steps):
    """Mean distance of joints from the root, m, and MPJPE, mm, after some steps."""
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    batch = dataset.__getitems__(range(48))
    for _ in range(steps):
        loss, _ = model.parse_losses(model(**batch, mode='loss'))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    size = model.to_pose(model(**batch)).norm(dim=-1).mean()
    found, = model(**batch, mode='predict')
    return size.item(), (found['keypoints'] - found['target']).norm(dim=-1).mean().item()


def test_consistency_alone_collapses_and_reprojection_prevents_it(dataset):
    """Sec. 5: one small pose in all views is consistent."""
    model = lifter(**SUPERVISED)
    size, error = learn(model, dataset, 100)
    trained = model.state_dict()
    model = lifter(consistency=CONSISTENCY)
    model.load_state_dict(trained)
    alone, alone_error = learn(model, dataset, 200)
    model = lifter(consistency=CONSISTENCY, reprojection=REPROJECTION)
    model.load_state_dict(trained)
    kept, kept_error = learn(model, dataset, 100)
    assert alone < 0.6 * size and alone_error > 2 * error
    assert 0.9 * size < kept < 1.1 * size and kept_error < 1.5 * error
