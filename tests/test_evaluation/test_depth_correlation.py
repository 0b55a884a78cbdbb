import numpy as np
import pytest
import torch

pytest.importorskip('mmengine')

from mmviewpose.registry import METRICS  # noqa: E402
from mmviewpose.skeletons import get_skeleton, partition  # noqa: E402


def fields(count=10, joints=17):
    generator = torch.Generator().manual_seed(0)
    target = 300 * torch.randn(count, joints, 3, generator=generator) + 500
    noise = 200 * torch.randn(count, joints, 3, generator=generator)
    return dict(keypoints=0.5 * target + noise, target=target, index=torch.arange(count))


def run(values, **options):
    metric = METRICS.build(dict(type='DepthCorrelation', **options))
    rows = torch.randperm(len(values['index']), generator=torch.Generator().manual_seed(1))
    for part in [*rows.split(4), rows[:3]]:  # some twice
        metric.process(None, [{key: value[part] for key, value in values.items()}])
    return metric.evaluate(len(rows))


@pytest.mark.parametrize('skeleton, parts', [('ape17', 'leg-torso'), ('h36m17', 'limbs'),
                                             ('h36m16', 'full')])
def test_against_numpy(skeleton, parts):
    layout = get_skeleton(skeleton)
    values = fields(joints=layout.num_joints)
    depths = [values[key].double().numpy()[..., 2] for key in ('keypoints', 'target')]
    a, b = (depth - depth[:, [layout.root]] for depth in depths)
    groups = partition(layout, parts, [layout.root])
    expected = {'depth-correlation': (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())}
    for name, members in groups.items():
        p, q = a[:, list(members)].ravel(), b[:, list(members)].ravel()
        expected[f'depth-correlation/{name}'] = p @ q / np.linalg.norm(p) / np.linalg.norm(q)
    assert run(values, skeleton=skeleton, parts=parts) == pytest.approx(expected)


def test_right_mirrored_and_flat():
    values = fields()
    for factor, expected in ((3, 1), (-0.2, -1), (0, 0)):
        scaled = dict(values, keypoints=values['target'] * torch.tensor([9., 9., factor]))
        assert list(run(scaled).values()) == [pytest.approx(expected)] * 3


def test_a_mirrored_part_shows():
    values = fields()
    root = values['target'][:, :1]
    pose = values['target'] - root
    legs = list(partition(get_skeleton('ape17'), 'leg-torso', [0])['legs'])
    pose[:, legs, 2] *= -1
    found = run(dict(values, keypoints=pose + root))
    assert found['depth-correlation/legs'] == pytest.approx(-1)
    assert found['depth-correlation/torso'] == pytest.approx(1)
    assert abs(found['depth-correlation']) < 0.7


def test_fields_and_prefix():
    values = fields()
    values['other'] = -values.pop('target')
    found = run(values, pred_key='other', target_key='keypoints', prefix='mine')
    assert found['mine/depth-correlation'] < 0


def test_bad_shapes_and_options():
    with pytest.raises(ValueError, match=r"'keypoints' must be \(B, 17, 3\), got \(10, 16, 3\)"):
        run(fields(joints=16))
    with pytest.raises(ValueError, match='no partition'):
        METRICS.build(dict(type='DepthCorrelation', parts='hands'))
