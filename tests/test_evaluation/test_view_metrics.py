import numpy as np
import pytest
import torch

pytest.importorskip('mmengine')

from mmviewpose.registry import METRICS  # noqa: E402


def run(values, rows=None, **options):
    """Over batches of four, some samples twice."""
    metric = METRICS.build(options)
    size = len(values['index'])
    rows = torch.randperm(size, generator=torch.Generator().manual_seed(1)) if rows is None \
        else rows
    for part in [*rows.split(4), rows[:3]]:
        metric.process(None, [{key: value[part] for key, value in values.items()}])
    return metric.evaluate(size)


# ---------------------------------------------------------------------------------------
# Images


def decoded(count=10, views=2, side=6):
    """Images whose silhouette is somewhere else in each channel."""
    generator = torch.Generator().manual_seed(0)
    images, first, second = torch.rand(3, count, views, 3, side, side, generator=generator)
    images *= torch.rand(images.shape, generator=generator) > .8
    return dict(images=images, reconstruction=.7 * images + .3 * first, swapped=second,
                shift=torch.zeros(count, views, 2), index=torch.arange(count))


def test_errors_and_overlap_by_hand():
    values = decoded()
    found = run(values, type='ViewImageError', threshold=.4)
    for name in ('reconstruction', 'swapped'):
        squares, overlaps = [], []
        for b in range(10):
            for v in range(2):
                image, guess = values['images'][b, v], values[name][b, v]
                squares.append(((guess - image)**2).mean().item())
                both = either = 0
                for y in range(6):
                    for x in range(6):
                        here = any(value > 0 for value in image[:, y, x].tolist())
                        there = any(value > .4 for value in guess[:, y, x].tolist())
                        both, either = both + (here and there), either + (here or there)
                overlaps.append(both / either)
        assert found[f'{name}_mse'] == pytest.approx(np.mean(squares), rel=1e-5)
        assert found[f'{name}_iou'] == pytest.approx(np.mean(overlaps), rel=1e-5)
    assert found['reconstruction_mse'] < found['swapped_mse']
    assert found['reconstruction_iou'] > found['swapped_iou']


def test_right_and_disjoint_images():
    values = decoded()
    somebody = (values['images'].amax(2, keepdim=True) > 0).float()
    values.update(reconstruction=values['images'].clone(),
                  swapped=(1 - somebody).expand(-1, -1, 3, -1, -1))
    found = run(values, type='ViewImageError', threshold=0.)
    assert found['reconstruction_mse'] == 0 and found['reconstruction_iou'] == 1
    assert found['swapped_iou'] == 0 and found['swapped_mse'] > 0


def test_whoever_is_decoded_too_dark_is_not_there():
    values = decoded()
    for key in ('images', 'reconstruction', 'swapped'):
        values[key] = torch.zeros(10, 2, 3, 6, 6)
    values['images'][..., 0, :3, :] = 1 / 24  # the first body part, u and v 0
    values['reconstruction'][..., 2, :3, :] = .3
    values['swapped'][..., 2, :3, :] = .2
    found = run(values, type='ViewImageError')
    assert found['reconstruction_iou'] == 1 and found['swapped_iou'] == 0


def test_an_empty_image_divides_by_nothing():
    values = {key: 0 * value if key != 'index' else value for key, value in decoded().items()}
    assert run(values, type='ViewImageError')['swapped_iou'] == 0


def test_images_are_not_kept():
    metric = METRICS.build(dict(type='ViewImageError'))
    metric.process(None, [decoded()])
    assert all(column.shape == (10, ) for column in metric.results[0].values())
    with pytest.raises(KeyError, match='swapped'):
        metric.process(None, [{key: value for key, value in decoded().items()
                               if key != 'swapped'}])


# ---------------------------------------------------------------------------------------
# Leakage


def codes(clips=12, frames=6, cameras=(1, 2, 3), leak=0.):
    """Noise as poses, with ``leak`` of the camera's number in them; viewpoints tell the camera."""
    generator = torch.Generator().manual_seed(2)
    count, views = clips * frames, len(cameras)
    camera = torch.tensor(cameras).expand(count, -1)
    one_hot = (camera[..., None] == torch.tensor(cameras)).float()
    pose = torch.randn(count, views, 5, 3, generator=generator)
    pose[..., 0, :2] += leak * one_hot[..., :2]
    viewpoint = torch.randn(count, views, 6, generator=generator)
    viewpoint[..., :2] += 30 * one_hot[..., :2]
    return dict(pose=pose, viewpoint=viewpoint, camera=camera,
                clip=torch.arange(clips).repeat_interleave(frames), index=torch.arange(count))


def test_what_tells_the_camera():
    found = run(codes(), type='ViewLeakage')
    assert set(found) == {'pose_probe', 'view_probe', 'chance'}
    assert found['chance'] == pytest.approx(100 / 3) and found['view_probe'] == 100
    assert abs(found['pose_probe'] - 100 / 3) < 12
    assert run(codes(leak=40.), type='ViewLeakage')['pose_probe'] == 100


def test_the_test_is_on_other_clips():
    """A code that tells the camera by heart, clip by clip, tells nothing of other clips."""
    values = codes(clips=8, frames=10)
    generator = torch.Generator().manual_seed(3)
    values['pose'] = 50 * torch.randn(8, 3, 5, 3, generator=generator)[values['clip']]
    assert run(values, type='ViewLeakage')['pose_probe'] < 80
    # only odd clips are wrong: only the test half is looked at
    values = codes(leak=40.)
    odd = values['clip'] % 2 == 1
    values['pose'][odd] = values['pose'][odd][:, [1, 2, 0]]
    assert run(values, type='ViewLeakage')['pose_probe'] == 0


def test_cameras_that_training_saw():
    values = codes()
    values['viewpoint'][:, 0] = values['viewpoint'][:, 1]  # 1 and 2 cannot be told apart
    found = run(values, type='ViewLeakage', seen=[2, 3])
    assert found['chance/seen'] == 50 and found['view_probe/seen'] == 100
    assert found['view_probe'] == pytest.approx(200 / 3, abs=8)
    assert set(found) == {name + ending for name in ('pose_probe', 'view_probe', 'chance')
                          for ending in ('', '/seen')}


def test_against_a_probe_on_rows_by_hand():
    from mmviewpose.functional import linear_probe_accuracy
    values = codes(leak=1., cameras=(7, 3, 5))
    rows = {half: [(values['pose'][n, v].flatten(), [3, 5, 7].index(values['camera'][n, v]))
                   for n in range(72) if values['clip'][n] % 2 == half for v in range(3)]
            for half in (0, 1)}
    parts = [(torch.stack([pose for pose, _ in rows[half]]),
              torch.tensor([label for _, label in rows[half]])) for half in (0, 1)]
    expected = 100 * linear_probe_accuracy(*parts[0], *parts[1])
    found = run(values, type='ViewLeakage')['pose_probe']
    assert found == pytest.approx(expected, abs=1.) and 36 < found < 90


def test_it_needs_two_cameras_and_two_clips():
    for wrong in (codes(clips=1), codes(cameras=(2, ))):
        with pytest.raises(ValueError, match='need two cameras and two clips'):
            run(wrong, type='ViewLeakage')
    with pytest.raises(ValueError, match=r'got cameras \[2\]'):
        run(codes(), type='ViewLeakage', seen=[2, 9])
