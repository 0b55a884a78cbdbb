import math

import numpy as np
import pytest
import torch

pytest.importorskip('mmengine')

from mmviewpose import functional  # noqa: E402
from mmviewpose.registry import METRICS  # noqa: E402


def prediction(*lead):
    generator = torch.Generator().manual_seed(0)
    target = 300 * torch.randn(*lead, 17, 3, generator=generator)
    return dict(keypoints=0.9 * target + 50 * torch.randn(*lead, 17, 3, generator=generator),
                target=target, index=torch.arange(lead[0]))


def run(fields, **options):
    metric = METRICS.build(dict(type='PoseErrorMetric', **options))
    rows = torch.randperm(len(fields['index']), generator=torch.Generator().manual_seed(1))
    for part in rows.split(4):
        metric.process(None, [{key: value[part] for key, value in fields.items()}])
    return metric.evaluate(len(rows))


def test_every_mode_has_its_name_and_is_its_function():
    fields = prediction(10)
    pred, target = fields['keypoints'].double(), fields['target'].double()
    metrics = run(fields, modes=('mpjpe', 'n-mpjpe', 'pa-mpjpe', 'pa-mpjpe-reflect', 'pck3d',
                                 'auc'))
    expected = {
        'MPJPE': functional.mpjpe(pred, target),
        'N-MPJPE': functional.n_mpjpe(pred, target),
        'PA-MPJPE': functional.pa_mpjpe(pred, target),
        'PA-MPJPE-reflect': functional.pa_mpjpe(pred, target, allow_reflection=True),
        'PCK3D@150mm': functional.pck3d(pred, target),
        'AUC@0-150mm': functional.auc(pred, target),
    }
    assert metrics == {name: pytest.approx(value.item()) for name, value in expected.items()}


def test_threshold_and_joint_set_are_in_the_names():
    fields = prediction(10)
    metrics = run(fields, modes=('pck3d', 'mpjpe'), threshold=80, joints=range(12))
    kept = {key: fields[key][:, :12].double() for key in ('keypoints', 'target')}
    assert metrics == {
        'PCK3D@80mm(12 joints)': pytest.approx(
            functional.pck3d(*kept.values(), threshold=80).item()),
        'MPJPE(12 joints)': pytest.approx(functional.mpjpe(*kept.values()).item())}
    assert set(run(fields, joints=[4, 5], joint_set='arm')) == {'MPJPE(arm)'}


def test_groups_by_frame_and_by_group():
    fields = prediction(10)
    fields['num_moved'] = torch.tensor([1, 1, 1, 2, 2, 1, 1, 1, 1, 5])
    metrics = run(fields, group_by='num_moved')
    errors = np.linalg.norm(fields['keypoints'].double() - fields['target'].double(),
                            axis=-1).mean(-1)
    groups = {n: errors[fields['num_moved'].numpy() == n].mean() for n in (1, 2, 5)}
    assert metrics == {
        'MPJPE': pytest.approx(errors.mean()),
        'MPJPE/num_moved=1': pytest.approx(groups[1]),
        'MPJPE/num_moved=2': pytest.approx(groups[2]),
        'MPJPE/num_moved=5': pytest.approx(groups[5]),
        'MPJPE/mean-over-num_moved': pytest.approx(np.mean(list(groups.values()))),
    }


def test_masks_hide_joints_and_whole_frames():
    fields = prediction(10)
    fields['mask'] = torch.rand(10, 17, generator=torch.Generator().manual_seed(2)) < 0.6
    fields['mask'][3] = False
    fields['target'][~fields['mask']] = math.nan
    fields['action'] = torch.arange(10) // 3
    metrics = run(fields, modes=('mpjpe', 'pa-mpjpe'), group_by='action')
    per_frame = [np.linalg.norm(p - t, axis=-1)[m].mean() for p, t, m in zip(
        fields['keypoints'].double().numpy(), fields['target'].double().numpy(),
        fields['mask'].numpy()) if m.any()]
    assert metrics['MPJPE'] == pytest.approx(np.mean(per_frame))
    assert all(math.isfinite(value) for value in metrics.values())


def test_sequences_and_velocity():
    fields = prediction(6, 5)
    fields['mask'] = torch.ones(6, 5, 17, dtype=torch.bool)
    fields['mask'][2, 3] = False
    metrics = run(fields, modes=('mpjpe', 'mpjve'))
    pred, target, mask = fields['keypoints'].double(), fields['target'].double(), fields['mask']
    assert metrics == {
        'MPJPE': pytest.approx(functional.mpjpe(pred, target, mask).item()),
        'MPJVE': pytest.approx(functional.velocity_error(pred, target, mask).item())}


def brute_force(pred, target, mask):
    """Errors by frame in float64, one pose after the other: lists of (sample, frame, error)."""
    pred, target = np.asarray(pred, np.float64), np.asarray(target, np.float64)
    found = {'MPJPE': [], 'N-MPJPE': [], 'PA-MPJPE': [], 'MPJVE': []}
    for n, t in np.ndindex(*mask.shape[:2]):
        m = np.asarray(mask[n, t])
        if m.any():
            p, q = pred[n, t, m], target[n, t, m]
            a, b = p - p.mean(0), q - q.mean(0)
            u, s, v = np.linalg.svd(a.T @ b)
            sign = np.sign(np.linalg.det(u @ v))  # a proper rotation
            s[2], u[:, 2] = sign * s[2], sign * u[:, 2]
            for name, guess in (('MPJPE', p), ('N-MPJPE', p * (p * q).sum() / (p * p).sum()),
                                ('PA-MPJPE', a @ u @ v * s.sum() / (a * a).sum() + q.mean(0))):
                found[name].append((n, t, np.linalg.norm(guess - q, axis=1).mean()))
        both = m & np.asarray(mask[n, t - 1])
        if t and both.any():
            moved = (pred[n, t] - pred[n, t - 1]) - (target[n, t] - target[n, t - 1])
            found['MPJVE'].append((n, t - 1, np.linalg.norm(moved[both], axis=1).mean()))
    return found


@pytest.fixture
def clips():
    """Sequences with joints that are not seen, frames that are padding, and a clip of nothing."""
    fields = prediction(9, 6)
    fields['mask'] = torch.rand(9, 6, 17, generator=torch.Generator().manual_seed(3)) < 0.8
    fields['mask'][1, 4:] = fields['mask'][2, 2] = fields['mask'][8] = False
    # whatever stands where nothing counts must not matter, nor what comes before and after it
    fields['keypoints'][~fields['mask']] = 1e5
    fields.update(action=torch.tensor([2, 0, 0, 1, 1, 1, 1, 0, 1]), clip=torch.arange(9) // 2,
                  view=torch.arange(9) % 2, start=6 * torch.arange(9))
    return fields


SEQUENCE_MODES = ('mpjpe', 'n-mpjpe', 'pa-mpjpe', 'mpjve')


def test_sequences_against_brute_force_overall_and_by_action(clips):
    expected = {}
    for name, frames in brute_force(*(clips[k] for k in ('keypoints', 'target', 'mask'))).items():
        expected[name] = np.mean([error for _, _, error in frames])
        by_action = {action: np.mean([error for n, _, error in frames
                                      if clips['action'][n] == action]) for action in (0, 1, 2)}
        expected.update({f'{name}/action={a}': value for a, value in by_action.items()})
        expected[f'{name}/mean-over-action'] = np.mean(list(by_action.values()))
    metrics = run(clips, modes=SEQUENCE_MODES, group_by='action')
    assert metrics == {name: pytest.approx(value, rel=1e-6) for name, value in expected.items()}


def test_errors_of_single_frames(clips):
    metric = METRICS.build(dict(type='PoseErrorMetric', modes=SEQUENCE_MODES, group_by='action'))
    metric.dataset_meta = dict(label_names=dict(action=['run', 'sit', 'wave']),
                               clip_names=list('abcde'), view_names=['left', 'right'])
    rows = [4, 7, 0, 1, 8, 3, 2, 6, 5, 4]  # out of order, one twice
    metric.process(None, [{key: value[rows] for key, value in clips.items()}])
    metrics = metric.evaluate(9)
    assert metrics['MPJPE/action=wave'] == pytest.approx(
        np.nanmean(metric.frame_errors['MPJPE'][0]))
    found = metric.frame_errors
    assert found['action'].tolist() == ['wave', 'run', 'run', 'sit', 'sit', 'sit', 'sit', 'run',
                                        'sit']
    assert ''.join(found['clip']) == 'aabbccdde' and found['view'][1] == 'right'
    assert found['start'].tolist() == list(range(0, 54, 6))
    assert found['index'].tolist() == list(range(9))
    brute = brute_force(*(clips[key] for key in ('keypoints', 'target', 'mask')))
    for name, frames in brute.items():
        expected = np.full((9, 5 if name == 'MPJVE' else 6), np.nan)
        for n, t, error in frames:
            expected[n, t] = error
        np.testing.assert_allclose(found[name], expected, rtol=1e-6)


def test_nothing_to_measure_is_an_error(clips):
    with pytest.raises(ValueError, match="'mask' is False everywhere"):
        run(dict(clips, mask=torch.zeros_like(clips['mask'])))


def test_root_centres_both_and_pred_key_picks_what_is_measured():
    fields = prediction(10)
    fields['input'] = fields.pop('keypoints') + 1000
    centred = {key: (fields[key] - fields[key][:, :1]).double() for key in ('input', 'target')}
    metrics = run(fields, root=0, pred_key='input', prefix='input')
    assert metrics == {'input/MPJPE': pytest.approx(functional.mpjpe(*centred.values()).item())}


def test_a_nan_prediction_shows():
    fields = prediction(10)
    fields['keypoints'][4, 3, 1] = math.nan
    metrics = run(fields, modes=('mpjpe', 'pa-mpjpe'))
    assert all(math.isnan(value) for value in metrics.values())


def test_a_mirrored_body_costs_something_under_pa_mpjpe():
    fields = prediction(10)
    fields['keypoints'] = fields['target'] * torch.tensor([-1., 1., 1.])
    metrics = run(fields, modes=('pa-mpjpe', 'pa-mpjpe-reflect'))
    assert metrics['PA-MPJPE'] > 50 and metrics['PA-MPJPE-reflect'] < 1e-3


def test_bad_options_and_shapes_are_refused():
    with pytest.raises(ValueError, match='p-mpjpe'):
        METRICS.build(dict(type='PoseErrorMetric', modes=('p-mpjpe', )))
    with pytest.raises(ValueError, match='empty'):
        METRICS.build(dict(type='PoseErrorMetric', joints=()))
    fields = prediction(4)
    with pytest.raises(ValueError, match=r'\(B, K, 3\)'):
        run(dict(fields, target=fields['target'][:, :5]))
    with pytest.raises(ValueError, match="'mask' must be"):
        run(dict(fields, mask=torch.ones(4, 1)))
