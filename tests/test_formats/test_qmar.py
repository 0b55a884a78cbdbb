import pytest

from mmviewpose.datasets.formats import qmar
from mmviewpose.errors import DatasetError

HEADER = 'folder,subject,movement,view,score'


@pytest.fixture
def write(tmp_path):
    def make(*rows, header=HEADER):
        (tmp_path / qmar.ANNOTATIONS).write_text('\n'.join([header, *rows]), encoding='utf-8')
        return tmp_path
    return make


def test_rows_are_recordings(write):
    root = write('a/1,7,W-P,1,3', 'a/2,7, W-P, 2, 3', 'b,12,SS-S,5,0', header='\ufeff' + HEADER)
    one, two, other = qmar.read_recordings(root)
    assert one.clip == two.clip != other.clip
    assert (one.name, one.folder) == ('a/1', root / 'a' / '1')
    assert (one.label, one.num_classes, other.label) == (3, 5, 0)
    assert two.labels == dict(subject=7, movement='W-P', camera=2, score=3, performance=0,
                              xview=1, xsub=-1)
    assert [r.labels['xview'] for r in (one, two, other)] == [0, 1, 1]


def test_labels_count_from_the_lowest_score(write):
    root = write('a,7,W-P,2,1', 'b,7,W-P,5,4')
    recordings = qmar.read_recordings(root, scores={'W-P': (1, 4)})
    assert [(r.label, r.num_classes) for r in recordings] == [(0, 4), (3, 4)]


def test_performances_of_one_movement(write):
    header = HEADER + ',performance'
    recordings = qmar.read_recordings(write('a,7,W-P,2,1,1', 'b,7,W-P,2,1,2', 'c,7,W-P,5,1,2',
                                            header=header))
    assert recordings[0].clip != recordings[1].clip == recordings[2].clip


def test_cross_subject_lists(write):
    root = write('a,1,W-P,2,1', 'b,2,W-P,5,1', 'c,3,W-P,5,1')
    recordings = qmar.read_recordings(root, train_subjects=[1, 3], test_subjects=[2])
    assert [r.labels['xsub'] for r in recordings] == [1, 0, 1]
    for lists, problem in (
            (dict(train_subjects=[1], test_subjects=[2]), 'sequence c: subject 3 is neither'),
            (dict(train_subjects=[1, 3, 9], test_subjects=[2]), 'subject 9, whom train_subjects'),
            (dict(train_subjects=[1, 3], test_subjects=[2, 8]), 'subject 8, whom test_subjects'),
            (dict(train_subjects=[1, 3], test_subjects=[2, 3]), 'subject 3 is in both lists'),
            (dict(train_subjects=[1, 3]), 'sequence b: subject 2 is neither'),
            (dict(train_views=(2, 4)), 'no recording of view 4, which train_views names')):
        with pytest.raises(DatasetError, match=problem):
            qmar.read_recordings(root, **lists)


@pytest.mark.parametrize('row, problem', [
    ('c,1,W-P,2,5', 'sequence c: line 4: score 5, those of W-P are 0 to 4'),
    ('c,1,W-P,2,-1', 'score -1'),
    ('c,1,W-P,7,1', 'view 7, there are 1 to 6'),
    ('c,1,W-X,2,1', "movement 'W-X', there are W-P, W-S"),
    ('c,one,W-P,2,1', "line 4: not a whole number .*'one'"),
    ('c,1,W-P,2', 'line 4 has more or fewer values'),
    ('c,1,W-P,2,1,1', 'line 4 has more or fewer values'),
    ('a,9,W-P,2,1', 'sequence a: the same folder'),
    ('c,7,W-P,2,1', 'sequence c: the same folder, or view of a performance, as a;'),
])
def test_bad_rows(write, row, problem):
    with pytest.raises(DatasetError, match=problem):
        qmar.read_recordings(write('a,7,W-P,2,3', 'b,7,W-P,5,3', row))


def test_missing_file_and_columns(write, tmp_path):
    with pytest.raises(DatasetError, match='cannot be read'):
        qmar.read_recordings(tmp_path)
    with pytest.raises(DatasetError, match='no column view, score'):
        qmar.read_recordings(write('a,7,W-P', header='folder,subject,movement'))
    with pytest.raises(DatasetError, match='lists no recording'):
        qmar.read_recordings(write())
