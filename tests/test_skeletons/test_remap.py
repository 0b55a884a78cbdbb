import numpy as np
import pytest

from mmviewpose.skeletons import LAYOUTS, get_skeleton, remap, remap_matrix

TO_APE17 = ('h36m17', 'h36m16', 'nucla20', 'ntu25', 'coco17', 'openpose25', 'mediapipe33', 'cmu31',
            'bandai22', 'mpi_inf_3dhp17')


def possible():
    for source in LAYOUTS:
        for target in LAYOUTS:
            try:
                yield source, target, remap_matrix(source, target)
            except ValueError:
                pass


def test_every_matrix_keeps_translation_and_symmetry():
    pairs = list(possible())
    assert len(pairs) > 40
    for source, target, matrix in pairs:
        s, t = get_skeleton(source), get_skeleton(target)
        assert matrix.shape == (t.num_joints, s.num_joints)
        np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-12)
        flipped = matrix[list(t.flip_index)][:, list(s.flip_index)]
        np.testing.assert_allclose(flipped, matrix, atol=1e-12, err_msg=f'{source}->{target}')


@pytest.mark.parametrize('source', TO_APE17)
def test_all_layouts_reach_ape17(source):
    assert remap_matrix(source, 'ape17').shape[0] == 17


def test_shared_joints_are_copied_bit_for_bit():
    p = np.random.default_rng(0).normal(size=(2, 5, 25, 3)).astype(np.float32)
    out = remap(p, 'ntu25', 'ape17')
    assert out.dtype == np.float32 and out.shape == (2, 5, 17, 3)
    order = [*range(4), 4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18, 20]
    np.testing.assert_array_equal(out, p[..., order, :])
    np.testing.assert_array_equal(remap(p, 'ntu25', 'ntu25'), p)


def test_matches_its_matrix_in_2d_too():
    p = np.random.default_rng(1).normal(size=(4, 17, 2))
    expected = np.einsum('ts,nsd->ntd', remap_matrix('coco17', 'h36m17'), p)
    np.testing.assert_allclose(remap(p, 'coco17', 'h36m17'), expected, atol=1e-12)


def test_rules_of_coco_to_h36m():
    s, t = get_skeleton('coco17'), get_skeleton('h36m17')
    p = np.random.default_rng(2).normal(size=(17, 3))
    out = remap(p, 'coco17', 'h36m17')

    def mean(name):
        return (p[s.index(f'left_{name}')] + p[s.index(f'right_{name}')]) / 2

    np.testing.assert_allclose(out[t.index('pelvis')], mean('hip'))
    np.testing.assert_allclose(out[t.index('spine_shoulder')], mean('shoulder'))
    np.testing.assert_allclose(out[t.index('spine_mid')], (mean('hip') + mean('shoulder')) / 2)
    np.testing.assert_allclose(out[t.index('head_top')],
                               mean('shoulder') + 1.6 * (mean('ear') - mean('shoulder')))


def test_kinect_v1_neck_is_a_third_of_the_way_to_the_head():
    p = np.random.default_rng(3).normal(size=(20, 3))
    np.testing.assert_allclose(remap(p, 'nucla20', 'ape17')[2], (2 * p[2] + p[3]) / 3)


def test_a_broken_joint_spoils_only_its_own():
    p = np.ones((20, 3))
    p[7] = np.nan  # the hand, which ape17 has not
    assert np.isfinite(remap(p, 'nucla20', 'ape17')).all()
    p[3] = np.nan  # the head, of which the neck is made
    bad = ~np.isfinite(remap(p, 'nucla20', 'ape17')).all(axis=-1)
    assert np.flatnonzero(bad).tolist() == [2, 3]


def test_impossible_joints_are_named():
    with pytest.raises(ValueError, match='ape17 cannot be mapped to nucla20.*left_hand'):
        remap_matrix('ape17', 'nucla20')
    with pytest.raises(ValueError, match='17 joints, got positions of shape'):
        remap(np.zeros((2, 16, 3)), 'ape17', 'h36m17')
    with pytest.raises(KeyError, match='no skeleton layout'):
        remap_matrix('ape17', 'ape99')
