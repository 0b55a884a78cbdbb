"""Films against single renderings, made by hand."""
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from mmviewpose.datasets.filming import Film
from mmviewpose.datasets.formats.archive import from_clips
from mmviewpose.datasets.synthetic import synthetic_clips
from mmviewpose.geometry import project, world_to_camera
from mmviewpose.rendering import look_at, render
from mmviewpose.skeletons import get_skeleton

SIZE = 32
STILL = dict(jitter=0., wander=0., height=(1200., 1200.))  # nothing is drawn but the people
TORSO_FRONT, TORSO_BACK = 2, 1


@pytest.fixture(scope='module')
def archive():
    """Five clips of 4 to 8 frames, one of them with frames that are not valid."""
    clips = synthetic_clips(5, num_frames=8, seed=4)
    clips = [replace(clip, positions=clip.positions[:4 + n], valid=None)
             for n, clip in enumerate(clips)]
    clips[3].valid[[0, 4]] = False
    return from_clips(clips)


def film(archive, rows=None, views=None, **options):
    rows = np.arange(len(archive)) if rows is None else np.array(rows)
    return Film(**{**dict(image_size=SIZE), **options})(archive, rows, views)


def valid_frames(archive, row):
    start, length = archive.starts[row], archive.lengths[row]
    return [frame for frame in range(start, start + length) if archive.valid[frame]]


def standing(facing=0., place=(0., 0.)):
    """A person with arms out who faces +z, turned about +y by radians, as an archive."""
    joints = dict(pelvis=(0, 930, 0), spine_mid=(0, 1165, 0), spine_shoulder=(0, 1400, 0),
                  neck=(0, 1480, 0), head=(0, 1640, 0))
    for side, sign in (('left', 1), ('right', -1)):
        for name, x, y in (('hip', 110, 930), ('knee', 130, 500), ('ankle', 150, 90),
                           ('shoulder', 180, 1400), ('elbow', 470, 1400), ('wrist', 720, 1400)):
            joints[f'{side}_{name}'] = (sign * x, y, 0)
    pose = np.array([joints[name] for name in get_skeleton('ape17').joints], np.float32)
    cos, sin = math.cos(facing), math.sin(facing)
    pose = pose @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]).T
    pose += [place[0], 0, place[1]]
    clip = replace(synthetic_clips(1, 2)[0], positions=np.repeat(pose[None], 2, 0), valid=None)
    return from_clips([clip])


def middles(images):
    """Centres (..., 2) of the silhouettes in px, x and y."""
    seen = (images[..., 0, :, :] > 0).double()
    place = torch.arange(seen.shape[-1]) + .5
    total = seen.sum((-2, -1))
    return torch.stack([(seen.sum(-2) * place).sum(-1), (seen.sum(-1) * place).sum(-1)],
                       -1) / total[..., None]


# ---------------------------------------------------------------------------------------
# What is seen


def test_each_frame_is_the_rendering_of_its_pose(archive):
    azimuths = (-30., 0., 90., 180.)
    camera_crew = Film(image_size=SIZE, azimuths=azimuths, distance=5000., extent=2600., aim=900.,
                       wander=0.)
    stage = camera_crew.stage(archive)
    images, lengths = camera_crew(archive, np.arange(5))
    assert images.shape == (4, sum(lengths), 3, SIZE, SIZE) and images.dtype == torch.uint8
    assert lengths.tolist() == [4, 5, 6, 5, 8]
    place = 0
    for row in range(5):
        for frame in valid_frames(archive, row):
            pose = torch.from_numpy(archive.positions[frame])[None]
            target = torch.tensor([[pose[0, 0, 0], 900., pose[0, 0, 2]]])  # joint 0: the pelvis
            for view in range(4):
                azimuth = stage.azimuth[row, view]
                centre = torch.tensor([[
                    target[0, 0] + 5000 * math.sin(azimuth), stage.height[row, view],
                    target[0, 2] + 5000 * math.cos(azimuth)]])
                cameras = look_at(centre, target, SIZE * 5000 / 2600, SIZE)
                expected = render(pose, 'ape17', cameras, SIZE, stage.people[[row]]).part_map()
                assert (images[view, place] != expected[0]).double().mean() < 1e-3
            place += 1
    assert place == len(images[0])


def test_where_cameras_stand_and_who_is_there(archive):
    stage = Film(azimuths=(45., 0., 90.), jitter=10., height=(1000., 1600.)).stage(archive)
    assert stage.azimuth.shape == stage.height.shape == (5, 3) and stage.people.shape == (5, )
    off = stage.azimuth.rad2deg() - torch.tensor([45., 0., 90.])
    assert off.abs().max() <= 10 and off.std() > 3
    assert 1000 <= stage.height.min() and stage.height.max() <= 1600 and stage.height.std() > 90
    assert len(stage.people.unique()) == 5
    other = Film(seed=1).stage(archive)
    assert not torch.equal(other.azimuth, stage.azimuth)
    assert not torch.equal(other.people, stage.people)


def test_the_whole_crew_turns(archive):
    azimuths = torch.tensor([45., 135., 225., 315.])
    options = dict(azimuths=azimuths.tolist(), jitter=4.)
    still, turned = (Film(turn=turn, **options).stage(archive) for turn in (0., 180.))
    angle = (turned.azimuth - still.azimuth).rad2deg()
    assert (angle - angle[:, :1]).abs().max() < 1e-3, 'the cameras of a clip together'
    assert angle.abs().max() <= 180 and angle[:, 0].std() > 50
    assert torch.equal(still.height, turned.height) and torch.equal(still.people, turned.people)
    few = Film(turn=10., **options).stage(archive).azimuth - still.azimuth
    assert 0 < few.rad2deg().abs().max() <= 10
    images, _ = film(standing(), azimuths=(0., ), turn=0., **STILL)
    other, _ = film(standing(), azimuths=(0., ), turn=180., **STILL)
    assert (images != other).double().mean() > .03


def test_people_can_be_given(archive):
    rows, people = np.array([3, 1]), np.array([7, 2**40])
    crew = Film(image_size=SIZE, modality='rgb')
    images, lengths = crew(archive, rows, people=people)
    drawn, _ = crew(archive, rows)
    assert not torch.equal(images, drawn)
    again, _ = crew(archive, rows, people=crew.stage(archive).people[rows].numpy())
    assert torch.equal(again, drawn)
    # who else is there makes no difference, and a person is the same in all clips
    alone, _ = crew(archive, rows[1:], people=people[1:])
    assert torch.equal(alone, images[:, lengths[0]:])
    same, _ = crew(archive, rows, people=np.array([5, 5]))
    assert torch.equal(same[0, 0, :, 0, 0], same[1, -1, :, 0, 0]), 'one backdrop'


def test_all_may_be_in_one_room(archive):
    rows, people = np.array([3, 1]), np.array([7, 8])
    images, _ = Film(image_size=SIZE, modality='rgb', room=5)(archive, rows, people=people)
    assert torch.equal(images[0, 0, :, 0, 0], images[1, -1, :, 0, 0])
    own, _ = Film(image_size=SIZE, modality='rgb')(archive, rows, people=people)
    assert not torch.equal(own[0, 0, :, 0, 0], own[1, -1, :, 0, 0])


def test_zero_degrees_is_in_front_and_ninety_at_the_left():
    for facing, options in ((0., dict()), (1.1, dict(facing='start'))):
        images, _ = film(standing(facing), azimuths=(0., 180., 90., -90.), image_size=48,
                         **STILL, **options)
        part = (images[:, 0, 0].double() * 24 / 255).round().long()
        front, back, left, right = part
        assert (front == TORSO_FRONT).sum() > 5 * max(1, (front == TORSO_BACK).sum())
        assert (back == TORSO_BACK).sum() > 5 * max(1, (back == TORSO_FRONT).sum())
        # arms are out: from the side they point at the camera, and the near hand covers the other
        left_hand, right_hand = 4, 3  # DensePose's numbers
        assert (left == left_hand).any() and not (left == right_hand).any()
        assert (right == right_hand).any() and not (right == left_hand).any()
        # in front the person's left is at the right of the image
        column = torch.arange(48).double().expand(48, 48)
        assert column[front == left_hand].mean() > 30 > 18 > column[front == right_hand].mean()


def test_facing_start_follows_the_person():
    world, _ = film(standing(), **STILL)
    turned, _ = film(standing(2.), facing='start', **STILL)
    assert (world != turned).double().mean() < .01
    other, _ = film(standing(2.), **STILL)
    assert (world != other).double().mean() > .03
    walked, _ = film(standing(place=(3000., -1500.)), **STILL)
    assert (world != walked).double().mean() < .01


def test_scale_and_middle():
    """An image is as wide as ``extent`` at the person, and its middle is at ``aim``."""
    images, _ = film(standing(), azimuths=(0., ), extent=2000., distance=8000., aim=1000.,
                     image_size=100, jitter=0., wander=0., height=(1000., 1000.))
    cameras = look_at(torch.tensor([[0., 1000., 8000.]]), torch.tensor([0., 1000., 0.]), 400., 100)
    joints = torch.from_numpy(standing().positions[:1])
    seen = project(world_to_camera(joints, cameras.rotation, cameras.centre),
                   cameras.focal[:, None].expand(-1, 2), cameras.principal)[0]
    torch.testing.assert_close(seen[0], torch.tensor([50., 50. + 70 / 20]))  # 930 mm, 20 mm a px
    silhouette = images[0, 0, 0] > 0
    rows, columns = (silhouette.any(axis).nonzero()[:, 0] for axis in (1, 0))
    assert abs(columns.double().mean() + .5 - 50) < 1
    # soles somewhat below the ankles, the crown somewhat above the head's middle
    assert seen[:, 1].min() - 12 < rows.min() < seen[:, 1].min()
    assert seen[:, 1].max() < rows.max() < 100 and rows.max() > 95


def test_the_person_is_missed():
    archive = from_clips([replace(clip, valid=None, positions=np.repeat(clip.positions, 60, 0))
                          for clip in standing().clips()])
    options = dict(image_size=64, azimuths=(0., 90.), jitter=0., height=(1000., 1000.),
                   extent=3000.)
    still = middles(film(archive, wander=0., **options)[0])
    assert still.std(1).max() < 1e-6
    missed = middles(film(archive, wander=100., **options)[0])
    assert (missed.std(1) / (100 * 64 / 3000) - 1).abs().max() < .25
    correlation = torch.corrcoef(missed.movedim(1, -1).flatten(0, 1))
    assert (correlation - torch.eye(4, dtype=torch.float64)).abs().max() < .4, 'each by itself'


def test_frames_that_are_not_valid_and_those_between_are_left_out(archive):
    everything, lengths = film(archive)
    images, few = film(archive, stride=3)
    assert few.tolist() == [2, 2, 2, 2, 3]
    first = np.cumsum(lengths) - lengths
    places = [first[row] + step for row in range(5) for step in range(0, lengths[row], 3)]
    assert torch.equal(images, everything[:, places])


# ---------------------------------------------------------------------------------------
# What it depends on


def test_a_clips_film_does_not_depend_on_what_else_is_filmed(archive):
    options = dict(azimuths=(45., 0., 90.), wander=60.)
    everything, lengths = film(archive, **options)
    first = np.cumsum(lengths) - lengths
    for rows, views in (([2], None), ([4, 1], [1]), ([3], [2, 0]), ([0, 1, 2, 3, 4], [0])):
        images, some = film(archive, rows, views, **options)
        assert some.tolist() == lengths[rows].tolist()
        places = np.concatenate([first[row] + np.arange(lengths[row]) for row in rows])
        expected = everything[[0, 1, 2] if views is None else views][:, places]
        assert torch.equal(images, expected)


def test_the_size_of_a_chunk_does_not_matter(archive, monkeypatch):
    expected, _ = film(archive)
    monkeypatch.setattr('mmviewpose.datasets.filming._VIEWS_AT_A_TIME', 3)
    assert torch.equal(film(archive)[0], expected)


def test_the_seed_decides_and_the_global_one_is_left_alone(archive):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, _ = film(archive, [1])
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(film(archive, [1])[0], first)
    assert not torch.equal(film(archive, [1], seed=1)[0], first)


# ---------------------------------------------------------------------------------------
# Modalities


def test_modalities(archive):
    parts, _ = film(archive, [0])
    depth, _ = film(archive, [0], modality='depth')
    colour, _ = film(archive, [0], modality='rgb')
    assert parts.shape == depth.shape == colour.shape
    assert torch.equal(depth[:, :, 0], depth[:, :, 2])
    assert (depth.flatten(2).amax(2) == 255).all(), 'over its maximum'
    assert torch.equal(depth[:, :, 0] > 0, parts[:, :, 0] > 0)
    nearest = depth[depth > 0].min()
    assert 120 < nearest < 240, 'a person is not deep'
    assert len(colour[0, 0].flatten(1).unique(dim=1).T) > 20
    assert (colour > 0).double().mean() > .9, 'it has a background'


@pytest.mark.parametrize('wrong', [dict(modality='iuv'), dict(facing='camera')])
def test_wrong_arguments(wrong):
    with pytest.raises(ValueError, match=f'got .*{list(wrong.values())[0]}'):
        Film(**wrong)


def test_cameras_are_counted():
    assert Film().num_views == 3 and Film(azimuths=[1, 2]).num_views == 2
