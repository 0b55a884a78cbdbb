import pytest

from mmviewpose.datasets.formats.ntu_images import read_recordings
from mmviewpose.errors import DatasetError


@pytest.fixture
def tree(tmp_path):
    def make(*folders):
        for folder in folders:
            (tmp_path / folder).mkdir(parents=True)
            (tmp_path / folder / 'MDepth-00000001.png').touch()
        return tmp_path
    return make


def test_recordings_at_any_depth_sorted_by_name(tree):
    root = tree('S002C001P003R002A060', 's001/S001C003P040R001A001_rgb')
    first, second = read_recordings(root)
    assert (first.name, first.clip) == ('S001C003P040R001A001', 'S001P040R001A001')
    assert first.folder == root / 's001' / 'S001C003P040R001A001_rgb'
    assert (first.label, first.num_classes) == (0, 60)
    assert second.label == 59
    assert {key: second.labels[key] for key in ('camera', 'subject', 'xview60', 'xsub60')} == \
        dict(camera=1, subject=3, xview60=0, xsub60=0)
    assert first.labels['xview60'] == 1


def test_views_of_a_performance_share_its_clip(tree):
    recordings = read_recordings(tree(*(f'S018C00{c}P106R001A120' for c in (1, 2, 3))))
    assert {recording.clip for recording in recordings} == {'S018P106R001A120'}
    assert [recording.labels['camera'] for recording in recordings] == [1, 2, 3]
    assert recordings[0].num_classes == 120


@pytest.mark.parametrize('folder, problem', [
    ('S001C001P041R001A001', 'S001C001P041R001A001: subject 41, there are 1 to 40 in setups'),
    ('S018C001P107R001A001', 'subject 107, there are 1 to 106'),
    ('S018C004P001R001A001', 'camera 4'),
    ('S001C001P001R001A061', 'action 61, there are 1 to 60'),
    ('S033C001P001R001A001', 'setup 33'),
    ('S018C001P001R001A000', 'action 0'),
    ('S001C001P001R001', r'MDepth-00000001\.png: an image in a folder that is not named'),
])
def test_names_that_are_none(tree, folder, problem):
    with pytest.raises(DatasetError, match=problem):
        read_recordings(tree('S001C001P001R001A002', folder))


def test_missing_empty_and_twice(tree, tmp_path):
    with pytest.raises(DatasetError, match='no such folder'):
        read_recordings(tmp_path / 'absent')
    with pytest.raises(DatasetError, match='holds no recording'):
        read_recordings(tmp_path)
    with pytest.raises(DatasetError, match='sequence S001C001P001R001A001: the recording is also'):
        read_recordings(tree('a/S001C001P001R001A001', 'b/S001C001P001R001A001'))
