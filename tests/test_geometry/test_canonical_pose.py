import math

import numpy as np
import pytest
import torch

from mmviewpose.geometry import canonical_angle, canonical_pose, random_rotations, rotate
from mmviewpose.skeletons import get_skeleton, heading

UPS = ('+x', '-x', '+y', '-y', '+z', '-z')
ROOT, HIP = 1, 4


def some_poses(*shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return 300 * torch.randn(*shape, 6, 3, generator=generator, dtype=dtype)


def axis(up):
    out = np.zeros(3)
    out['xyz'.index(up[1])] = 1 if up[0] == '+' else -1
    return out


def side(up):
    """The horizontal axis that the hip shall lie over."""
    return np.eye(3)[1 if up[1] == 'x' else 0]


def turned_one_by_one(poses, up):
    """Eq. 3 joint by joint with Rodrigues' formula; the sign that arccos loses by a triple
    product. Also the angles."""
    vertical = axis(up)
    out, angles = np.empty(poses.shape), np.empty(len(poses))
    for n, pose in enumerate(poses):
        bone = pose[HIP] - pose[ROOT]
        bone = bone / math.sqrt(sum(bone ** 2))
        flat = bone - vertical * (bone @ vertical)
        flat = flat / math.sqrt(sum(flat ** 2))
        angle = math.acos(flat @ side(up))
        angle = math.copysign(angle, np.cross(flat, side(up)) @ vertical)
        for k, joint in enumerate(pose - pose[ROOT]):
            out[n, k] = (joint * math.cos(angle) + np.cross(vertical, joint) * math.sin(angle)
                         + vertical * (vertical @ joint) * (1 - math.cos(angle)))
        angles[n] = angle
    return out, angles


@pytest.mark.parametrize('up', UPS)
@pytest.mark.parametrize('dtype, tolerance', [(torch.float64, 1e-9), (torch.float32, 1e-3)])
def test_agrees_with_a_loop_over_joints(up, dtype, tolerance):
    poses = some_poses(50)
    expected, angles = turned_one_by_one(poses.numpy(), up)
    found = canonical_pose(poses.to(dtype), ROOT, HIP, up)
    assert found.dtype == dtype
    np.testing.assert_allclose(found.numpy(), expected, atol=tolerance)
    np.testing.assert_allclose(canonical_angle(poses, ROOT, HIP, up).numpy(), angles, atol=1e-12)
    bone = found[:, HIP].double().numpy()
    across = np.cross(axis(up), side(up))
    assert (bone @ side(up) > 0).all() and np.abs(bone @ across).max() < tolerance
    assert (found[:, ROOT] == 0).all()


@pytest.mark.parametrize('up', UPS)
def test_no_turn_about_the_vertical_and_no_place_changes_it(up):
    poses = some_poses(7, 20)
    turns = random_rotations(140, mode='yaw', up=up, dtype=torch.float64,
                             generator=torch.Generator().manual_seed(1)).view(7, 20, 3, 3)
    moved = rotate(poses, turns) + 5000 * some_poses(7, 20, seed=2)[..., :1, :] / 300
    torch.testing.assert_close(canonical_pose(moved, ROOT, HIP, up),
                               canonical_pose(poses, ROOT, HIP, up))
    once = canonical_pose(poses, ROOT, HIP, up)
    torch.testing.assert_close(canonical_pose(once, ROOT, HIP, up), once)
    torch.testing.assert_close(canonical_angle(once, ROOT, HIP, up), torch.zeros(7, 20).double())


@pytest.mark.parametrize('up', UPS)
def test_lengths_heights_and_handedness_stay(up):
    poses = some_poses(20)
    poses = poses - poses[:, ROOT, None]
    found = canonical_pose(poses, ROOT, HIP, up)
    torch.testing.assert_close(torch.cdist(found, found), torch.cdist(poses, poses))
    vertical = torch.from_numpy(axis(up))
    torch.testing.assert_close(found @ vertical, poses @ vertical)
    torch.testing.assert_close(torch.linalg.det(found[:, :3] - found[:, 3:4]),
                               torch.linalg.det(poses[:, :3] - poses[:, 3:4]))


def test_the_papers_arc_cosine_is_right_where_the_hip_is_on_its_side():
    """Human3.6M: z up, x and y horizontal."""
    poses = some_poses(200)
    bone = poses[:, HIP] - poses[:, ROOT]
    flat = torch.nn.functional.normalize(bone[:, :2], dim=-1)
    paper = torch.acos(flat[:, 0])
    ours = canonical_angle(poses, ROOT, HIP, up='+z')
    right = bone[:, 1] < 0
    assert 50 < right.sum() < 150
    torch.testing.assert_close(ours[right], paper[right])
    torch.testing.assert_close(ours[~right], -paper[~right])


def test_upright_people_face_z_with_y_up():
    skeleton = get_skeleton('h36m17')
    pose = torch.zeros(17, 3)
    for name, place in dict(left_hip=(130., 0, 0), right_hip=(-130., 0, 0),
                            left_knee=(130., -450, 40)).items():
        pose[skeleton.index(name)] = torch.tensor(place)
    turns = random_rotations(9, mode='yaw', generator=torch.Generator().manual_seed(0))
    found = canonical_pose(rotate(pose.expand(9, 17, 3), turns), skeleton.root,
                           skeleton.index('left_hip'))
    torch.testing.assert_close(found, pose.expand(9, 17, 3), atol=1e-3, rtol=0)
    np.testing.assert_allclose(heading(found.numpy(), skeleton), 0, atol=1e-5)


@pytest.mark.parametrize('up', UPS)
@pytest.mark.parametrize('hip', ['above', 'below', 'at the root', 'at the root, negative zeros'])
def test_a_hip_without_a_direction_turns_nothing(up, hip):
    pose = some_poses(1)[0]
    pose[ROOT] = 0
    pose[HIP] = torch.from_numpy(axis(up)) * {'above': 100, 'below': -100}.get(hip, 0)
    if 'negative' in hip:
        pose[HIP] = -0.
    assert canonical_angle(pose, ROOT, HIP, up) == 0
    assert torch.equal(canonical_pose(pose, ROOT, HIP, up), pose)
    nothing = canonical_pose(torch.zeros(2, 6, 3), ROOT, HIP, up)
    assert torch.equal(nothing, torch.zeros(2, 6, 3))


@pytest.mark.parametrize('up', ['y', '+w', '++', ''])
def test_an_unknown_axis(up):
    for function in (canonical_angle, canonical_pose):
        with pytest.raises(ValueError, match="up must be a sign and an axis such as '.y'"):
            function(some_poses(1), ROOT, HIP, up)


def test_its_gradient():
    poses = some_poses(3).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: canonical_pose(p, ROOT, HIP), poses)


@pytest.mark.parametrize('name', ['subjects', 'Bandai-Namco-Research-Motiondataset-1'])
def test_on_all_motion_capture(name, recordings):
    """In float32, as the readers give it."""
    from mmviewpose.datasets.formats import bvh, cmu, to_layout
    read = cmu.read_folder if name == 'subjects' else bvh.read_folder
    clips = [to_layout(clip, 'ape17') for clip in read(recordings(name))]
    skeleton = get_skeleton('ape17')
    poses = torch.cat([torch.from_numpy(clip.positions[clip.valid]) for clip in clips])
    assert len(poses) > 10000
    root, hip = skeleton.root, skeleton.index('left_hip')
    found = canonical_pose(poses, root, hip)
    assert found[:, hip, 2].abs().max() < 1e-3 and (found[:, hip, 0] > 0).all()
    turns = random_rotations(len(poses), mode='yaw', generator=torch.Generator().manual_seed(0))
    again = canonical_pose(rotate(poses - poses[:, root, None], turns), root, hip)
    assert (again - found).abs().max() < .01  # mm
    loop = slice(None, None, len(poses) // 200)
    for pose, ours in zip(poses[loop].double().numpy(), found[loop].double().numpy()):
        bone = pose[hip] - pose[root]
        turn = math.atan2(bone[2], bone[0])
        cosine, sine = math.cos(turn), math.sin(turn)
        matrix = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
        for joint in range(17):
            np.testing.assert_allclose(ours[joint], matrix @ (pose[joint] - pose[root]), atol=.01)
