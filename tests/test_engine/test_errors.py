import re
import sys

import pytest

pytest.importorskip('mmengine')
from torch import nn  # noqa: E402

from mmviewpose.engine.errors import UserError, explain, one_line_errors  # noqa: E402
from mmviewpose.errors import DatasetError  # noqa: E402
from mmviewpose.registry import MODELS  # noqa: E402


def _error_of(cfg):
    with pytest.raises(Exception) as caught:
        MODELS.build(cfg)
    return explain(caught.value)


def test_unknown_type_names_the_closest():
    text = _error_of(dict(type='BoneLenghtLoss'))
    assert "'BoneLenghtLoss'" in text and "did you mean 'BoneLengthLoss'" in text


def test_unknown_argument_names_the_closest():
    text = _error_of(dict(type='BoneLengthLoss', skeleton='ape17', loss_wieght=1.))
    assert "BoneLengthLoss takes no argument 'loss_wieght'; did you mean 'loss_weight'" in text


@pytest.mark.skipif(sys.version_info < (3, 10), reason='the message does not name the class')
def test_unknown_argument_of_an_inner_module():

    class _Inner(nn.Module):

        def __init__(self, width):
            super().__init__()

    with pytest.raises(TypeError) as caught:
        _Inner(widht=3)
    assert "takes no argument 'widht'; did you mean 'width'" in explain(caught.value)


@pytest.mark.parametrize('cfg, words', [
    (dict(type='SeBiReNetEncoder', cell='grru'), "SeBiReNetEncoder: cell is 'gru' or 'lstm'"),
    (dict(type='BoneLengthLoss', skeleton='ape18'), "BoneLengthLoss: .*no skeleton layout 'ape18'"),
])
def test_a_refused_value_names_the_part(cfg, words):
    assert re.search(f'^config: {words}', _error_of(cfg))


def test_bugs_are_not_explained():
    assert explain(KeyError('a')) is None
    assert explain(TypeError('bad operand')) is None
    assert explain(ValueError('x')) is None


@pytest.mark.parametrize('error, line', [
    (UserError('mend it'), 'error: mend it\n'),
    (DatasetError('cut short', file='a.bvh', frame=3), 'error: a.bvh: frame 3: cut short\n'),
])
def test_one_line_and_a_status(error, line, capsys):
    with pytest.raises(SystemExit) as caught, one_line_errors():
        raise error
    assert caught.value.code == 1
    assert capsys.readouterr().err == line


def test_interruption(capsys):
    with pytest.raises(SystemExit) as caught, one_line_errors():
        raise KeyboardInterrupt
    assert caught.value.code == 130 and capsys.readouterr().err == 'interrupted\n'


def test_traceback_on_request(monkeypatch):
    monkeypatch.setenv('MMVIEWPOSE_TRACEBACK', '1')
    with pytest.raises(UserError), one_line_errors():
        raise UserError('mend it')
