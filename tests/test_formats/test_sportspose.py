import pickle

import numpy as np
import pytest

from mmviewpose.datasets.formats import sportspose
from mmviewpose.datasets.formats.views import from_sequences
from mmviewpose.errors import DatasetError
from mmviewpose.skeletons import get_skeleton, remap

FRAMES = 5


def look_at(azimuth):
    """World (z up, metres) to camera ``R x + T`` for a camera 4 m away."""
    centre = np.array([4 * np.cos(azimuth), 4 * np.sin(azimuth), 1.2])
    z = np.array([0, 0, 1.]) - centre
    z /= np.linalg.norm(z)
    x = np.cross(z, [0, 0, 1])
    x /= np.linalg.norm(x)
    R = np.stack([x, np.cross(z, x), z])
    return R, -R @ centre


def calibration(turns=1, k=()):
    cameras = []
    for number in range(7):
        R, T = look_at(2 * np.pi * number / 7)
        cameras.append(dict(R=R, T=T[:, None], f=np.array([1500., 1510.]),
                            c=np.array([960. + number, 600.]), k=np.array(k), tpr=None))
    return dict(calibration=cameras, numtimesrot90clockwise=[turns] * 7)


@pytest.fixture
def release(tmp_path):
    """A function that writes some takes in the published tree; gives (root, {take: points})."""

    def write(takes=(('indoors', 'S04', 'tennis0021'), ), **options):
        root, data = tmp_path / 'SportsPose', {}
        for number, (session, subject, take) in enumerate(takes):
            person = root / 'data' / session / subject
            folder = person / take.rstrip('0123456789')
            folder.mkdir(parents=True, exist_ok=True)
            (person / 'calib.pkl').write_bytes(pickle.dumps(calibration(**options)))
            rng = np.random.default_rng(number)
            points = rng.normal(scale=.3, size=(FRAMES, 17, 3)) + [0, 0, 1]
            np.save(folder / f'{take}.npy', points)
            index = np.tile(np.arange(FRAMES), (7, 1))
            (folder / f'{take}_timing.pkl').write_bytes(pickle.dumps(dict(
                video_index=index, times_ms=index * 11, video_path=np.array([session, subject]))))
            data[take] = points
        return root, data

    return write


def test_seven_views_of_a_take(release):
    root, data = release([('indoors', 'S04', 'tennis0021')], turns=0)
    views = list(sportspose.read_views(root, layout='coco17'))
    assert {s.view for s in views} == set(sportspose.VIEWS) and len(views) == 7
    archive = from_sequences(views)
    assert archive.labelled.all() and set(archive.clips) == {'indoors_S04_tennis0021'}
    assert archive.fps.tolist() == [90.] * 7 and archive.labels['split'].tolist() == ['val'] * 7
    right = next(s for s in views if s.view == 'right')
    R, T = look_at(2 * np.pi * 3 / 7)
    camera = data['tennis0021'] @ R.T + T
    np.testing.assert_allclose(right.positions, camera * 1000, rtol=1e-5)
    image = camera[..., :2] / camera[..., 2:] * [1500, 1510] + [963, 600]
    np.testing.assert_allclose(right.keypoints, image, rtol=1e-5)
    assert right.labels == dict(subject=4, action='tennis', session='indoors', split='val')
    assert right.image_size == (1936, 1216) and (right.scores == 1).all()


@pytest.mark.parametrize('turns', [1, 2, 3])
def test_pictures_are_turned_upright(release, turns):
    """Turned image, camera and 3D fit each other: the 3D projects to the points."""
    root, _ = release(turns=turns)
    for sequence in sportspose.read_views(root, layout='coco17'):
        fx, fy, cx, cy = sequence.intrinsics
        camera = sequence.positions.astype(float)
        image = camera[..., :2] / camera[..., 2:] * [fx, fy] + [cx, cy]
        np.testing.assert_allclose(sequence.keypoints, image, atol=.1)
        assert sequence.image_size == ((1216, 1936) if turns % 2 else (1936, 1216))
    if turns == 1:  # clockwise: what was on the left is on top
        lying = next(sportspose.read_views(release(turns=0)[0], layout='coco17'))
        upright = next(sportspose.read_views(release(turns=1)[0], layout='coco17'))
        np.testing.assert_allclose(upright.keypoints[..., 1], lying.keypoints[..., 0], atol=.01)
        np.testing.assert_allclose(upright.keypoints[..., 0], 1216 - lying.keypoints[..., 1],
                                   atol=.01)


def test_the_lens_is_opencvs(release):
    root, data = release(turns=0, k=(.1, -.05, .01, -.02, .03, .004, .005, .006))
    right = next(s for s in sportspose.read_views(root, layout='coco17') if s.view == 'right')
    R, T = look_at(2 * np.pi * 3 / 7)
    x, y, z = data['tennis0021'][2, 9] @ R.T + T
    x, y = x / z, y / z
    r = x * x + y * y
    radial = (1 + .1 * r - .05 * r**2 + .03 * r**3) / (1 + .004 * r + .005 * r**2 + .006 * r**3)
    u = x * radial + 2 * .01 * x * y - .02 * (r + 2 * x * x)
    v = y * radial + .01 * (r + 2 * y * y) - 2 * .02 * x * y
    np.testing.assert_allclose(right.keypoints[2, 9], [1500 * u + 963, 1510 * v + 600], rtol=1e-5)


def test_which_camera_is_which_view(release):
    takes = [('indoors', 'S12', 'soccer0001'), ('indoors', 'S19', 'jump0001'),
             ('outdoors', 'S22', 'volley0003'), ('indoors', 'S01', 'throw_baseball0002')]
    root, _ = release(takes, turns=0)
    centres = {(s.clip, s.view): s.intrinsics[2] - 960
               for s in sportspose.read_views(root, layout='coco17')}
    assert centres['indoors_S12_soccer0001', 'right'] == 3
    assert centres['indoors_S19_jump0001', 'right'] == 2
    assert centres['indoors_S19_jump0001', 'back'] == 5
    assert centres['outdoors_S22_volley0003', 'front-right'] == 0
    assert len({number for (clip, _), number in centres.items()
                if clip == 'outdoors_S22_volley0003'}) == 7
    splits = {s.clip: s.labels['split'] for s in sportspose.read_views(root, views=['right'])}
    assert splits == {'indoors_S12_soccer0001': 'test', 'indoors_S19_jump0001': 'test',
                      'outdoors_S22_volley0003': 'val', 'indoors_S01_throw_baseball0002': 'train'}


def test_detections_and_the_usual_layout(release, tmp_path):
    root, data = release()
    folder = tmp_path / 'det' / 'indoors' / 'S04' / 'tennis'
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    found = rng.uniform(1, 900, (FRAMES, 17, 3))
    found[..., 2] = rng.uniform(.2, 1.3, (FRAMES, 17))
    nose = get_skeleton('coco17').index('nose')
    found[1, nose, 2] = 0
    np.save(folder / 'tennis0021_CAM3.npy', found)
    sequence, = sportspose.read_views(root, tmp_path / 'det', views=['right'])
    assert sequence.layout == 'h36m17'
    joint = get_skeleton('h36m17').index('nose')
    np.testing.assert_allclose(sequence.scores[:, joint], found[:, nose, 2].clip(0, 1), rtol=1e-6)
    assert (sequence.keypoints[1, joint] == 0).all()
    np.testing.assert_allclose(sequence.keypoints[2, joint], found[2, nose, :2], rtol=1e-6)
    turned = next(sportspose.read_views(root, views=['right'], layout='coco17'))
    np.testing.assert_allclose(sequence.positions, remap(turned.positions, 'coco17', 'h36m17'))
    with pytest.raises(DatasetError, match='tennis0021_CAM2.npy: no such file'):
        list(sportspose.read_views(root, tmp_path / 'det', views=['back-right']))
    np.save(folder / 'tennis0021_CAM3.npy', found[:3])
    with pytest.raises(DatasetError, match=r'CAM3.npy: must be \(5, 17, 3\), got \(3, 17, 3\)'):
        list(sportspose.read_views(root, tmp_path / 'det', views=['right']))


def test_broken_files_are_refused(release, tmp_path):
    with pytest.raises(DatasetError, match='not SportsPose'):
        list(sportspose.read_views(tmp_path / 'absent'))
    with pytest.raises(ValueError, match='top'):
        list(sportspose.read_views(release()[0], views=['top']))
    root, data = release()
    folder = root / 'data' / 'indoors' / 'S04'
    take, calib = folder / 'tennis' / 'tennis0021.npy', folder / 'calib.pkl'
    points = data['tennis0021'].copy()
    points[3, 4, 1] = np.nan
    np.save(take, points)
    with pytest.raises(DatasetError, match='tennis0021.npy: sequence tennis0021: frame 3'):
        list(sportspose.read_views(root))
    np.save(take, points[:, :16])
    with pytest.raises(DatasetError, match=r'tennis0021.npy: must be \(F, 17, 3\)'):
        list(sportspose.read_views(root))
    np.save(take, data['tennis0021'][:4])
    with pytest.raises(DatasetError, match=r'timing.pkl: .*video_index must be \(7, 4\)'):
        list(sportspose.read_views(root))
    take.write_bytes(b'')
    with pytest.raises(DatasetError, match='tennis0021.npy: not a readable'):
        list(sportspose.read_views(root))
    np.save(take, data['tennis0021'] + [60, 0, 0])
    with pytest.raises(DatasetError, match='indoors_S04_tennis0021: frame 0: .*behind'):
        list(sportspose.read_views(root))
    incomplete = calibration()
    incomplete['calibration'] = incomplete['calibration'][:5]
    for content, message in ((incomplete, '7 cameras'), (dict(calibration=[]), 'incomplete'),
                             ({**calibration(), 'calibration': [dict(R=0)] * 7}, 'incomplete')):
        calib.write_bytes(pickle.dumps(content))
        with pytest.raises(DatasetError, match=f'calib.pkl: .*{message}'):
            list(sportspose.read_views(root))
    calib.unlink()
    with pytest.raises(DatasetError, match='calib.pkl: cannot be read'):
        list(sportspose.read_views(root))
    take.unlink()
    calib.write_bytes(pickle.dumps(calibration()))
    with pytest.raises(DatasetError, match='S04: no take'):
        list(sportspose.read_views(root))
