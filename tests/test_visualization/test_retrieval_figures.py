"""Figures of retrieval show what they were given."""
import numpy as np
import pytest

from mmviewpose.visualization import (distance_by_pose_figure, retrieval, retrieval_curves,
                                      retrieval_sheet)


@pytest.fixture
def figures(monkeypatch):
    """What was drawn, besides being saved."""
    drawn, save = [], retrieval.save
    monkeypatch.setattr(retrieval, 'save', lambda figure, path: (
        drawn.append(figure), save(figure, path))[1])
    return drawn


def test_curves(figures, tmp_path):
    curves = dict(all={1: 40., 5: 30., 20: 25.}, others={1: 50., 20: 45.})
    path = retrieval_curves(curves, tmp_path / 'a' / 'curves.png', dict(all={1: 90., 20: 80.}))
    ax, = figures[0].axes
    assert path.is_file() and [line.get_label() for line in ax.lines] == [
        'all', 'all, at random', 'others']
    assert ax.lines[0].get_xdata().tolist() == [0, 1, 2]        # even steps of k
    assert ax.lines[1].get_xdata().tolist() == [0, 2] and ax.get_ylim()[0] == 0
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ['1', '5', '20']
    for wrong in ({}, dict(all={1: 2.})):
        with pytest.raises(ValueError, match='no curves'):
            retrieval_curves(wrong, path, dict(b={1: 1.}) if wrong else None)


def test_distances(figures, tmp_path):
    path = distance_by_pose_figure([0., 10., 20., 30.], [.1, .2, np.nan], [.2, .3, .4],
                                   tmp_path / 'distance.png')
    ax, = figures[0].axes
    assert path.is_file() and ax.lines[0].get_xdata().tolist() == [5, 15]
    assert ax.lines[1].get_ydata().tolist() == [.2, .3, .4]
    with pytest.raises(ValueError, match='3 edges for 3 and 3 bins'):
        distance_by_pose_figure([0., 1., 2.], [1.] * 3, [1.] * 3, path)


def test_sheet(figures, tmp_path):
    images = np.full((6, 4, 4, 3), 50, dtype=np.uint8) * np.arange(6, dtype=np.uint8)[
        :, None, None, None]
    path = retrieval_sheet(images, [4, 1], [[2, 3], [0, 5]], [[10., 21.], [30., 41.]],
                           tmp_path / 'sheet.png', list('abcdef'))
    shown = [ax.images[0].get_array()[0, 0, 0] // 50 for ax in figures[0].axes]
    assert path.is_file() and shown == [4, 2, 3, 1, 0, 5]
    assert [ax.get_xlabel() for ax in figures[0].axes[:3]] == ['view e', 'view c, 10 mm',
                                                              'view d, 21 mm']
    with pytest.raises(ValueError, match='queries'):
        retrieval_sheet(images, [1], [[2, 3], [0, 5]], [[10.], [30.]], path)
