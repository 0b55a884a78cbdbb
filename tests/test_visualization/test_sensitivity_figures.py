"""Figures of sensitivity and stability show what they were given."""
import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.image import imread

from mmviewpose.errors import UserError
from mmviewpose.visualization import sensitivity, stability
from mmviewpose.visualization.logs import read_validation
from mmviewpose.visualization.sensitivity import (part_order, sensitivity_curves,
                                                  sensitivity_heatmaps)
from mmviewpose.visualization.stability import (SeedRuns, read_seeds, stability_choices,
                                                stability_figure)

JOINTS = ('head', 'left_knee', 'left_wrist', 'right_knee', 'right_wrist', 'left_ankle')
HALVES = dict(torso=(0, 2, 4), legs=(1, 3, 5))
LIMBS = dict(left_leg=(1, 5), right_leg=(3, ), left_arm=(2, ), right_arm=(4, ), torso=(0, ))
WHOLE = dict(full=range(6))


@pytest.fixture
def figures(monkeypatch):
    """What was drawn, besides being saved."""
    drawn = []
    for module in (sensitivity, stability):
        save = module.save
        monkeypatch.setattr(module, 'save', lambda figure, path, save=save: (
            drawn.append(figure), save(figure, path))[1])
    return drawn


def matrix(parts):
    values = np.zeros((6, 6))
    for part in parts.values():
        values[np.ix_(tuple(part), tuple(part))] = 1.
    return values * (1. + np.arange(36).reshape(6, 6))


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts] + [
        text.get_text() for text in figure.texts]


def test_parts_stay_together_in_all_partitions():
    order = part_order([LIMBS, WHOLE, HALVES])
    assert order == (2, 4, 0, 1, 5, 3)
    assert part_order([WHOLE]) == tuple(range(6))


def test_heat_maps(figures, tmp_path):
    shown = dict(full=WHOLE, halves=HALVES, limbs=LIMBS)
    path = sensitivity_heatmaps({name: matrix(parts) for name, parts in shown.items()}, shown,
                                JOINTS, tmp_path / 'a' / 'heat.png')
    assert path.is_file() and imread(path).shape[1] > 600
    *panels, bar = figures[0].axes
    assert [len(ax.lines) for ax in panels] == [2, 2, 8]     # borders, of full those of the halves
    assert {line.get_linestyle() for line in panels[0].lines} == {'--'}
    assert {line.get_linestyle() for line in panels[1].lines} == {'-'}
    assert [label.get_text() for label in panels[0].get_yticklabels()] == [
        'left wrist', 'right wrist', 'head', 'left knee', 'left ankle', 'right knee']
    images = [ax.images[0] for ax in panels]
    assert {image.get_clim() for image in images} == {(0., 36.)}
    # row: key point left wrist (2), column: ordinate head (0)
    assert images[0].get_array()[0, 2] == matrix(WHOLE)[2, 0] == 13
    assert [int(np.ma.count_masked(image.get_array())) for image in images] == [0, 18, 28]
    assert 'legs' in texts(figures[0]) and 'right\narm' in texts(figures[0])
    assert '%' in bar.get_ylabel() and 'grey: exactly 0' in texts(figures[0])


def test_heat_map_of_one_model(figures, tmp_path):
    values = matrix(WHOLE)
    sensitivity_heatmaps(dict(full=values), dict(full=WHOLE), JOINTS, tmp_path / 'one.png')
    assert not figures[0].axes[0].lines and 'grey: exactly 0' not in texts(figures[0])
    sensitivity_heatmaps(dict(full=values), dict(full=WHOLE), JOINTS, tmp_path / 'one.png',
                         reference=HALVES)
    assert len(figures[1].axes[0].lines) == 2
    sensitivity_heatmaps(dict(still=0 * values), dict(still=WHOLE), JOINTS, tmp_path / 'one.png')
    with pytest.raises(ValueError, match='each model'):
        sensitivity_heatmaps(dict(full=values[:5]), dict(full=WHOLE), JOINTS, tmp_path / 'no.png')
    with pytest.raises(ValueError, match='each model'):
        sensitivity_heatmaps({}, {}, JOINTS, tmp_path / 'no.png')
    assert not (tmp_path / 'no.png').exists()


def test_curves(figures, tmp_path):
    factors = np.linspace(-1., 1., 5)
    mean = np.zeros((5, 6, 6))
    mean[:, 2, 5] = factors - 1.
    found = SimpleNamespace(factors=factors, mean=mean, std=np.full((5, 6, 6), .1))
    path = sensitivity_curves({name: found for name in 'abcd'}, 2, [5, 2], JOINTS,
                              tmp_path / 'curves.png')
    assert path.is_file()
    figure = figures[0]
    assert [ax.get_title('left') for ax in figure.axes if ax.get_visible()] == list('abcd')
    np.testing.assert_allclose(figure.axes[3].lines[0].get_xydata(),
                               np.stack([100 * factors, 100 * factors - 100], 1))
    band = figure.axes[0].collections[0].get_paths()[0].get_extents()
    assert (band.ymin, band.ymax) == pytest.approx((-210., 10.))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        'depth of the left ankle', 'depth of the left wrist']
    assert 'left wrist' in figure._supxlabel.get_text()
    for models, seen in (({}, [1]), (dict(a=found), [])):
        with pytest.raises(ValueError):
            sensitivity_curves(models, 2, seen, JOINTS, tmp_path / 'no.png')


def write_run(folder, steps, values, time='1', first_iter=10, metric='PA-MPJPE', **more):
    """A log as mmengine writes it, ten iterations an epoch."""
    file = Path(folder) / time / 'vis_data' / 'scalars.json'
    file.parent.mkdir(parents=True)
    lines = [dict(lr=.1, loss=1., epoch=step // 10 + 1, iter=step, step=step)
             for step in range(first_iter, first_iter + 40, 10)]
    lines += [{metric: value, 'time': .1, 'step': step, **more}
              for step, value in zip(steps, values)]
    file.write_text('\n'.join(map(json.dumps, lines)) + '\n{"PA-MP')
    os.utime(file, (int(time), int(time)))
    return folder


def test_validation_of_the_newest_run(tmp_path):
    write_run(tmp_path, [1, 2, 3], [9., 8., 7.], time='1')
    write_run(tmp_path, [2, 4], [5., 4.], time='2')
    write_run(tmp_path, [], [], time='3')           # killed before its first validation
    write_run(tmp_path, [0], [1.], time='4')        # tested without training
    log = read_validation(tmp_path)
    np.testing.assert_array_equal(log.curves['PA-MPJPE'], ([2, 4], [5., 4.]))
    assert log.unit == 'epoch' and [file.parts[-3] for file in log.files] == ['2']
    write_run(tmp_path, [3, 5, 6], [3., 2., 1.], time='5', first_iter=310)     # resumed
    log = read_validation(tmp_path)
    np.testing.assert_array_equal(log.curves['PA-MPJPE'], ([2, 3, 5, 6], [5., 3., 2., 1.]))
    assert [file.parts[-3] for file in log.files] == ['2', '5']


def test_seeds_are_read_and_must_agree(tmp_path):
    a = write_run(tmp_path / 'a', [1, 2], [9., 8.], **{'pose/AUC': 50.})
    b = write_run(tmp_path / 'b', [1, 2], [7., 6.], **{'pose/AUC': 60.})
    c = write_run(tmp_path / 'c', [1, 3], [7., 6.])
    runs = read_seeds([a, b])
    np.testing.assert_array_equal(runs.values, [[9, 8], [7, 6]])
    assert read_seeds([a, b], 'AUC').values.tolist() == [[50, 50], [60, 60]]
    with pytest.raises(UserError, match='c and .*a differ.* epoch 1 to 3, and 2 at epoch 1 to 2'):
        read_seeds([a, c])
    with pytest.raises(UserError, match="no metric 'AUC'; there are: PA-MPJPE"):
        read_seeds([a, c], 'AUC')
    twice = write_run(tmp_path / 'twice', [1, 1], [9., 8.])
    with pytest.raises(UserError, match='several validations at one epoch'):
        read_seeds([twice])


def test_ways_to_stop():
    steps = np.arange(100., 801., 100.)
    values = np.array([[9, 8, 3, 6, 5, 6, 7, 8], [19, 18, 17, 16, 15, 16, 17, 20]], float)
    runs = SeedRuns(steps, values, 'PA-MPJPE')
    last, middle, best = stability_choices(runs)
    assert last.values.tolist() == [8, 20] and last.mean == 14
    assert last.std == pytest.approx(12 / np.sqrt(2))
    assert middle.values.tolist() == [6.5, 17.] and '500 to 800' in middle.how   # the paper's
    assert best.values.tolist() == [3, 15] and 'validation labels' in best.how
    assert stability_choices(runs, 100, 200)[1].values.tolist() == [8.5, 18.5]
    assert stability_choices(runs, highest=True)[2].values.tolist() == [9, 20]
    assert stability_choices(runs._replace(values=values[:1]))[0].std is None
    with pytest.raises(UserError, match='no validation from epoch 801 to 900'):
        stability_choices(runs, 801, 900)


def test_stability_figure(figures, tmp_path):
    steps = np.arange(1., 9.)
    two = SeedRuns(steps, np.stack([50 - steps, 54 - steps]), 'PA-MPJPE')
    one = two._replace(values=two.values[:1])
    path = stability_figure(dict(two=two, one=one), tmp_path / 'b' / 'stable.png', (5., 8.))
    assert path.is_file() and imread(path).shape[1] > 600
    ax = figures[0].axes[0]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), 52 - steps)
    (band, ) = ax.collections                       # one seed has no band
    ends = band.get_paths()[0].vertices
    heights = ends[ends[:, 0] == 8., 1]
    assert (heights.min(), heights.max()) == pytest.approx((44 - 8**.5, 44 + 8**.5))
    assert 'mm' in ax.get_ylabel() and ax.get_xlabel() == 'epoch'
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ['two\nmean ± std of 2 seeds', 'one\n1 seed']
    with pytest.raises(ValueError):
        stability_figure({}, tmp_path / 'no.png')
