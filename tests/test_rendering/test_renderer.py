import math

import numpy as np
import pytest
import torch

from mmviewpose.geometry import axis_angle_to_matrix, rotate
from mmviewpose.rendering import Cameras, look_at, mirror_part_map, render
from mmviewpose.rendering.body import CAPSULES
from mmviewpose.skeletons import LAYOUTS, get_skeleton, remap_matrix

JOINTS = get_skeleton('ape17').joints
SIZE = 64
TORSO_FRONT, TORSO_BACK = 2, 1


def standing(arms='out'):
    """A person who faces +z: joints of ape17, ``(17, 3)`` mm."""
    places = dict(pelvis=(0, 930, 0), spine_mid=(0, 1165, 0), spine_shoulder=(0, 1400, 0),
                  neck=(0, 1480, 0), head=(0, 1640, 0))
    for side, sign in (('left', 1), ('right', -1)):
        arm = (('elbow', 470, 1400), ('wrist', 720, 1400)) if arms == 'out' else (
            ('elbow', 200, 1110), ('wrist', 200, 860))
        for name, x, y in (('hip', 110, 930), ('knee', 130, 500), ('ankle', 150, 90),
                           ('shoulder', 180, 1400), *arm):
            places[f'{side}_{name}'] = (sign * x, y, 0)
    return torch.tensor([places[j] for j in JOINTS], dtype=torch.float32)


def random_poses(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    poses = standing() + 120 * torch.randn(count, 17, 3, generator=generator)
    turn = torch.rand(count, generator=generator) * 2 * math.pi
    return rotate(poses, axis_angle_to_matrix(torch.tensor([0., 1., 0.]).expand(count, 3), turn))


def cameras_from(*directions, distance=4500., size=SIZE):
    """Cameras that look at the body's middle from somewhere."""
    target = torch.tensor([0., 900., 0.])
    way = torch.nn.functional.normalize(torch.tensor(directions), dim=-1)
    return look_at(target + distance * way, target, 2. * size, size)


def around(count, size=SIZE):
    azimuth = torch.arange(count) * 2.4
    return cameras_from(*torch.stack([azimuth.sin(), 0.1 + 0 * azimuth, azimuth.cos()], -1
                                     ).tolist(), size=size)


def parts_seen(pose, *direction, least=3):
    part = render(pose[None], 'ape17', cameras_from(direction), SIZE).part
    return {number for number in range(1, 25) if (part == number).sum() >= least}


def same(a, b, rows=slice(None)):
    return all((x == y[rows]).all() for x, y in zip(a, b) if x is not None)


def test_what_is_returned():
    out = render(random_poses(3), 'ape17', around(3), SIZE, torch.arange(3), rgb=True)
    shape = (3, SIZE, SIZE)
    for image, dtype in ((out.depth, torch.float32), (out.part, torch.uint8),
                         (out.u, torch.float32), (out.v, torch.float32)):
        assert image.shape == shape and image.dtype == dtype
    assert out.rgb.shape == (3, 3, SIZE, SIZE) and out.rgb.dtype == torch.uint8
    assert ((out.depth > 0) == out.silhouette).all() and (out.part <= 24).all()
    for image in (out.u, out.v):
        assert image.min() >= 0 and image.max() <= 1 and not image[~out.silhouette].any()
        assert image[out.silhouette].std() > 0.2
    assert 0.05 < out.silhouette.float().mean() < 0.4
    assert render(random_poses(3), 'ape17', around(3), SIZE).rgb is None


def test_maps():
    out = render(random_poses(3), 'ape17', around(3), SIZE)
    parts, depth = out.part_map(), out.depth_map()
    assert parts.shape == depth.shape == (3, 3, SIZE, SIZE)
    assert parts.dtype == depth.dtype == torch.uint8
    values = torch.stack([out.part / 24, out.u, out.v], 1) * 255
    assert (parts - values).abs().max() <= 0.5001
    assert (parts[:, 0] > 0).eq(out.silhouette).all()
    assert (depth[:, :1] == depth).all() and (depth.flatten(1).amax(1) == 255).all()
    assert (depth[:, 0] / 255 - out.depth / out.depth.amax((1, 2), True)).abs().max() < 2.1e-3
    empty = render(torch.full((1, 17, 3), 1e5), 'ape17', around(1), SIZE)
    assert not empty.depth_map().any() and not empty.part_map().any()


def test_against_every_ray(load_tool):
    tool = load_tool('benchmarks/render.py')
    poses, cameras, people = random_poses(12), around(12), torch.arange(12)
    out = render(poses, 'ape17', cameras, SIZE, people)
    capsules = tool.capsules_in_camera(poses, cameras, people)
    depth, capsule = tool.every_ray(*capsules, cameras.focal, cameras.principal, SIZE)
    assert (depth.isfinite() == out.silhouette).all()
    seen = out.silhouette
    assert (out.depth - depth)[seen].abs().max() < 0.1
    parts = torch.tensor([c.parts for c in CAPSULES], dtype=torch.uint8)[capsule]
    wrong = seen & (out.part.unsqueeze(-1) != parts).all(-1)
    assert wrong.sum() <= 1e-4 * seen.sum()  # where float32 decides what is a tie


def test_the_benchmark(load_tool):
    found = load_tool('benchmarks/render.py').run(image_size=32, num_views=8, num_reference=2,
                                                  rounds=1)
    assert found['ratio'] > 1 and found['views_per_s'] > 10
    assert found['max_depth_err_mm'] < 0.1 and found['wrong_mask_pixels'] == 0


def test_front_and_back():
    pose = standing()
    front, back = parts_seen(pose, 0., 0., 1.), parts_seen(pose, 0., 0., -1.)
    assert {TORSO_FRONT, 9, 10, 13, 14} <= front and not front & {TORSO_BACK, 7, 8, 11, 12}
    assert {TORSO_BACK, 7, 8, 11, 12} <= back and not back & {TORSO_FRONT, 9, 10, 13, 14}


def test_left_and_right():
    column = torch.arange(SIZE) - SIZE / 2 + 0.5
    for z, parts in ((1., ((9, 10), (13, 14))), (-1., ((7, 8), (11, 12)))):
        part = render(standing()[None], 'ape17', cameras_from((0., 0., z)), SIZE).part[0]
        for right, left in ((3, 4), (6, 5), (18, 17), (22, 21), (23, 24), *parts):
            # of a person who faces the camera the left side is on the right of the image
            assert (z * (part == left).sum(0) * column).sum() > 0
            assert (z * (part == right).sum(0) * column).sum() < 0


def test_inner_and_outer():
    above, below = (parts_seen(standing(), 0.3, y, 1.) for y in (3., -3.))
    assert {17, 18, 21, 22} <= above and {15, 16, 19, 20} <= below
    assert not above & {15, 16, 19, 20}
    left = parts_seen(standing('hanging'), 1., 0., 0.)
    assert {17, 21, 4, 24} <= left and not left & {15, 19, 3, 23, 16, 20}


def test_turned_heads():
    part = render(standing()[None], 'ape17', cameras_from((1., 0., 0.)), SIZE).part
    assert (part == 24).any() and not (part == 23).any()


def test_u_and_v_are_smooth():
    out = render(standing()[None], 'ape17', cameras_from((0.2, 0.1, 1.), size=512), 512)
    part = out.part[0]
    for number in (TORSO_FRONT, 9, 10, 13, 14):
        inside = part == number
        for axis in (0, 1):
            pairs = (inside & inside.roll(1, axis))[1:, 1:]
            for image in (out.u[0], out.v[0]):
                jump = (image - image.roll(1, axis))[1:, 1:][pairs].abs()
                # steep only where the surface turns away, or one capsule ends on another
                assert jump.median() < 0.06 and jump.quantile(0.95) < 0.12
    torso, forearm = part == TORSO_FRONT, part == 21
    rows, columns = (torch.arange(512.)[:, None].expand(512, 512),
                     torch.arange(512.).expand(512, 512))

    def slope(x, y, mask):
        return torch.corrcoef(torch.stack([x[mask], y[mask]]))[0, 1]

    assert slope(columns, out.u[0], torso) > 0.8      # from the right side to the left
    assert slope(rows, out.v[0], torso) < -0.95       # up
    assert slope(columns, out.v[0], forearm) > 0.95   # from the elbow to the wrist


def test_person_and_camera_turned_together():
    poses, cameras, people = random_poses(8), around(8), torch.arange(8)
    turn = axis_angle_to_matrix(torch.tensor([[0., 1., 0.]]).double(), torch.tensor([1.]).double())
    turned = Cameras(turn @ cameras.rotation.double(), rotate(cameras.centre[:, None].double(),
                                                              turn)[:, 0], *cameras[2:])
    a = render(poses, 'ape17', cameras, SIZE, people, rgb=True)
    b = render(rotate(poses.double(), turn), 'ape17', turned, SIZE, people, rgb=True)
    seen = a.silhouette & b.silhouette
    assert (a.silhouette != b.silhouette).sum() <= 2
    assert (a.part != b.part).sum() <= 1e-3 * seen.sum()
    assert (a.depth - b.depth)[seen].abs().max() < 0.1
    alike = seen & (a.part == b.part)
    for x, y, tolerance in ((a.u, b.u, 1e-3), (a.v, b.v, 1e-3),
                            (a.rgb.float().amax(1), b.rgb.float().amax(1), 1)):
        assert ((x - y).abs()[alike] > tolerance).sum() <= 1e-3 * alike.sum()


def test_the_batch_does_not_matter():
    poses, cameras, people = random_poses(13), around(13), torch.arange(13) * 7
    whole = render(poses, 'ape17', cameras, SIZE, people, rgb=True)
    for chunk in (1, 5, 100):
        assert same(render(poses, 'ape17', cameras, SIZE, people, rgb=True, chunk=chunk), whole)
    rows = torch.tensor([11, 2, 7])
    assert same(render(poses[rows], 'ape17', Cameras(*(f[rows] for f in cameras)), SIZE,
                       people[rows], rgb=True), whole, rows)


def test_colour_does_not_change_the_rest():
    poses, cameras = random_poses(3), around(3)
    assert same(render(poses, 'ape17', cameras, SIZE)[:4],
                render(poses, 'ape17', cameras, SIZE, rgb=True)[:4])


def test_seeds():
    pose, cameras = standing().expand(4, 17, 3), cameras_from(*[(0., 0., 1.)] * 4)
    out = render(pose, 'ape17', cameras, SIZE, torch.tensor([1, 2, 1, -9]), rgb=True)
    assert all((image[0] == image[2]).all() for image in out)
    for other in (1, 3):
        assert (out.silhouette[0] != out.silhouette[other]).sum() > 10
        everywhere = (out.rgb[0] != out.rgb[other]).any(0)
        assert everywhere.float().mean() > 0.9
    average = render(pose[:1], 'ape17', around(1), SIZE, rgb=True)
    assert same(average, render(pose[:1], 'ape17', around(1), SIZE, None, rgb=True))


def test_a_room_is_the_background_of_its_seed_and_no_person():
    pose, cameras = standing().expand(2, 17, 3), cameras_from(*[(0., 0., 1.)] * 2)
    own = render(pose, 'ape17', cameras, SIZE, torch.tensor([1, 2]), rgb=True)
    shared = render(pose, 'ape17', cameras, SIZE, torch.tensor([1, 2]), rgb=True,
                    rooms=torch.tensor([2, 2]))
    assert same(own[:4], shared[:4])
    nobody = ~(own.silhouette[0] | own.silhouette[1])
    assert (shared.rgb[0][:, nobody] == own.rgb[1][:, nobody]).all()
    inside = own.silhouette[0]
    assert (shared.rgb[0][:, inside] == own.rgb[0][:, inside]).all()
    assert (shared.rgb[1] == own.rgb[1]).all()


def test_light_comes_from_the_camera():
    out = render(standing()[None], 'ape17', cameras_from((0., 0., 1.), size=128), 128, rgb=True)
    rgb, torso = out.rgb[0].float().sum(0), out.part[0] == TORSO_FRONT
    middle = torso & (torch.arange(128) - 63.5).abs().lt(4)
    assert rgb[middle].max() == rgb[torso].max() and rgb[torso].min() < 0.7 * rgb[torso].max()


def _pose_in(layout):
    """A standing person in any layout, by the least-squares way back from ape17."""
    pose = standing().double().numpy()
    joints = {name: pose[i] for i, name in enumerate(JOINTS)}
    # what layouts without a joint take for it
    pose[JOINTS.index('neck')] = 2 / 3 * joints['spine_shoulder'] + 1 / 3 * joints['head']
    matrix = remap_matrix(layout, 'ape17')
    found = np.linalg.pinv(matrix) @ pose
    np.testing.assert_allclose(matrix @ found, pose, atol=1e-6)
    return torch.as_tensor(found), torch.as_tensor(pose)


@pytest.mark.parametrize('layout', sorted(LAYOUTS))
def test_layouts(layout):
    pose, as_ape17 = _pose_in(layout)
    out = render(pose[None], layout, around(1), SIZE)
    expected = render(as_ape17[None], 'ape17', around(1), SIZE)
    assert (out.silhouette != expected.silhouette).sum() <= 1
    assert out.part.unique().numel() > 10


def test_a_window_on_a_larger_image():
    poses, cameras = random_poses(4), around(4)
    whole = render(poses, 'ape17', cameras, SIZE)
    for x, y in ((20, 12), (-20, 30), (60, 0)):
        moved = render(poses, 'ape17', cameras._replace(
            principal=cameras.principal + torch.tensor([x, y])), SIZE)
        ours = (slice(None), slice(max(y, 0), SIZE + min(y, 0)), slice(max(x, 0), SIZE + min(x, 0)))
        theirs = (slice(None), slice(max(-y, 0), SIZE - max(y, 0)),
                  slice(max(-x, 0), SIZE - max(x, 0)))
        assert (moved.part[ours] == whole.part[theirs]).float().mean() > 0.9995
        assert (moved.silhouette[ours] == whole.silhouette[theirs]).all()


def test_behind_and_beside_the_camera():
    camera = look_at(torch.tensor([[0., 900., 3000.]]), torch.tensor([0., 900., 9000.]), 64., SIZE)
    assert not render(standing()[None], 'ape17', camera, SIZE).silhouette.any()
    for z in (-200., 0., 40., 150., 300.):  # in the middle of the person
        camera = look_at(torch.tensor([[0., 900., z]]), torch.tensor([100., 900., -9000.]), 40.,
                         SIZE)
        out = render(standing()[None], 'ape17', camera, SIZE, rgb=True)
        assert out.depth.isfinite().all() and out.depth.min() >= 0
        assert not ((out.depth > 0) & (out.depth < 50)).any()


def test_collapsed_bodies():
    poses = standing().repeat(4, 1, 1)
    for joint in ('left_knee', 'left_ankle', 'right_elbow', 'right_wrist'):
        parent = get_skeleton('ape17').parents[JOINTS.index(joint)]
        poses[0, JOINTS.index(joint)] = poses[0, parent]
    poses[1] = poses[1, :1]                                    # all joints in one place
    poses[2, :, 0] = 0                                         # no left and no right
    poses[3] = torch.tensor([1., 0., 0.]) * torch.arange(17.)[:, None]  # all along x
    out = render(poses, 'ape17', cameras_from(*[(0.2, 0.1, 1.)] * 4), SIZE, rgb=True)
    assert all(image.isfinite().all() for image in out)
    assert (out.silhouette.flatten(1).sum(1) > 30).all()
    assert out.u.max() <= 1 and out.v.max() <= 1 and out.u.min() >= 0 and out.v.min() >= 0


def test_no_views():
    cameras = Cameras(*(field[:0] for field in around(1)))
    out = render(torch.zeros(0, 17, 3), 'ape17', cameras, 8, torch.zeros(0).long(), rgb=True)
    assert out.depth.shape == (0, 8, 8) and out.rgb.shape == (0, 3, 8, 8)
    assert out.part_map().shape == out.depth_map().shape == (0, 3, 8, 8)


@pytest.mark.parametrize('changes, message', [
    (dict(image_size=64.), 'image_size'),
    (dict(image_size=0), 'image_size'),
    (dict(chunk=0), 'chunk'),
    (dict(people=torch.arange(3)), 'people'),
    (dict(people=torch.zeros(2)), 'int64'),
    (dict(rooms=torch.arange(3)), 'rooms must be 2 int64 seeds'),
    (dict(poses=torch.zeros(2, 20, 3)), 'ape17'),
    (dict(poses=torch.full((2, 17, 3), torch.nan)), 'pose 0 .*not finite'),
    (dict(cameras=around(3)), 'cameras.rotation of 2 poses'),
    (dict(cameras=around(2)._replace(focal=torch.tensor([1., torch.nan]))), 'focal'),
    (dict(cameras=around(2)._replace(focal=torch.tensor([1., 0.]))), 'focal must be positive'),
    (dict(cameras=around(2)._replace(centre=torch.full((2, 3), torch.inf))), 'cameras.centre'),
])
def test_wrong_arguments(changes, message):
    arguments = dict(poses=random_poses(2), skeleton='ape17', cameras=around(2), image_size=SIZE)
    with pytest.raises(ValueError, match=message):
        render(**{**arguments, **changes})


def test_unknown_layout():
    with pytest.raises(KeyError, match='no skeleton layout'):
        render(random_poses(1), 'octopus8', around(1), SIZE)


@pytest.mark.gpu
def test_on_a_device():
    poses, cameras, people = random_poses(40), around(40), torch.arange(40)
    here = render(poses, 'ape17', cameras, SIZE, people, rgb=True)
    there = render(poses.cuda(), 'ape17', Cameras(*(f.cuda() for f in cameras)), SIZE,
                   people.cuda(), rgb=True)
    assert all(image.is_cuda for image in there)
    there = type(there)(*(image.cpu() for image in there))
    assert (here.silhouette != there.silhouette).sum() <= 2
    assert (here.depth - there.depth)[here.silhouette & there.silhouette].abs().max() < 0.1
    alike = here.part == there.part
    assert (~alike).float().mean() < 1e-4
    assert ((here.u - there.u).abs()[alike] > 1e-4).float().mean() < 1e-4
    assert ((here.rgb.int() - there.rgb.int()).abs().amax(1)[alike] > 1).float().mean() < 1e-4


def from_the_side(poses, side):
    """From the left of each person, or from the right."""
    target = poses[:, 0] * torch.tensor([1., 0., 1.]) + torch.tensor([0., 900., 0.])
    centre = target + torch.tensor([side * 3000., 600., 2500.])
    return look_at(centre, target, 2. * SIZE, SIZE)


def mirrored(poses):
    flipped = poses[:, torch.as_tensor(get_skeleton('ape17').flip_index)].clone()
    flipped[..., 0] *= -1
    return flipped


def test_it_is_what_is_seen_of_mirrored_people():
    poses, people = random_poses(24), torch.arange(24)
    seen = render(poses, 'ape17', from_the_side(poses, 1.), SIZE, people).part_map()
    other = mirrored(poses)
    expected = render(other, 'ape17', from_the_side(other, -1.), SIZE, people).part_map()
    made = mirror_part_map(seen)
    assert expected[:, 0].unique().numel() == 25, 'all parts are there'
    assert (made[:, 0] != expected[:, 0]).float().mean() < 1e-4
    assert (made.int() - expected.int()).abs().amax(1).gt(1).float().mean() < 1e-4
    assert (made[:, 0] != seen[:, 0].flip(-1)).float().mean() > .01, 'sides change'


@pytest.mark.parametrize('lead', [(), (2,), (2, 3)])
def test_twice_is_the_identity(lead):
    seen = render(random_poses(1), 'ape17', from_the_side(random_poses(1), 1.), SIZE).part_map()[0]
    images = seen.expand(*lead, *seen.shape)
    once = mirror_part_map(images)
    assert once.dtype == torch.uint8 and once.shape == images.shape
    assert torch.equal(mirror_part_map(once), images)
