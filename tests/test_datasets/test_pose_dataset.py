import numpy as np
import pytest

from mmviewpose.datasets import PoseDataset
from mmviewpose.datasets.formats import SkeletonClip, write_archive
from mmviewpose.errors import DatasetError
from mmviewpose.registry import METRICS


def clip(name, frames, valid=None, **labels):
    positions = np.random.default_rng(frames).normal(scale=300, size=(frames, 17, 3))
    return SkeletonClip(positions, 'ape17', '+y', 30., name, labels, valid)


@pytest.fixture
def folder(tmp_path):
    write_archive(tmp_path / 'a.npz', [
        clip('one', 3, [True, False, True], action='Walking', subject=9, camera='54138969'),
        clip('two', 2, action='Eating', subject=11, camera='60457274'),
        clip('three', 1, action='Sitting', subject=9, camera='60457274')])
    write_archive(tmp_path / 'b.npz', [
        clip('four', 4, action='Phoning', subject=5, camera='54138969', extra=1)])
    return str(tmp_path)


def words(dataset, key):
    return [dataset.metainfo['label_names'][key][n] for n in dataset.arrays[key].tolist()]


def test_words_are_numbers_whose_meaning_is_in_the_metainfo(folder):
    dataset = PoseDataset([dict(ann_file='a.npz', drop=dict(action=['Eating'])),
                           dict(ann_file='b.npz')], folder)
    assert set(dataset.arrays) == {'keypoints', 'action', 'subject', 'camera'}
    assert words(dataset, 'action') == ['Walking'] * 2 + ['Sitting'] + ['Phoning'] * 4
    assert dataset.metainfo['label_names'] == dict(action=['Phoning', 'Sitting', 'Walking'])
    assert dataset.arrays['subject'].tolist() == [9] * 3 + [5] * 4
    assert dataset.arrays['camera'].tolist() == [54138969] * 2 + [60457274] + [54138969] * 4
    expected = clip('one', 3).positions[[0, 2]]
    np.testing.assert_allclose(dataset.arrays['keypoints'][:2],
                               expected - expected[:, :1], rtol=1e-6)
    assert dataset[2]['action'].tolist() == [1]


def test_metrics_come_by_word(folder):
    dataset = PoseDataset([dict(ann_file='a.npz')], folder)
    metric = METRICS.build(dict(type='PoseErrorMetric', modes=('pck3d', 'auc'),
                                group_by='action'))
    metric.dataset_meta = dataset.metainfo
    batch = dataset.__getitems__(range(len(dataset)))
    pred = batch['keypoints'].clone()
    pred[:, :, 0] += 1000. * (batch['subject'] == 9)[:, None]
    metric.process(None, [dict(batch, keypoints=pred, target=batch['keypoints'])])
    metrics = metric.evaluate(len(dataset))
    assert {key: metrics[f'PCK3D@150mm/action={key}'] for key in ('Walking', 'Eating', 'Sitting')
            } == dict(Walking=0., Eating=100., Sitting=0.)
    assert metrics['PCK3D@150mm/mean-over-action'] == pytest.approx(100 / 3)
    assert metrics['PCK3D@150mm'] == pytest.approx(100 * 2 / 5)
    assert metrics['AUC@0-150mm/action=Sitting'] == 0
    assert metrics['AUC@0-150mm/action=Eating'] > 96


def test_nothing_to_take_is_refused():
    with pytest.raises(DatasetError, match='no sources'):
        PoseDataset([])
