import pytest
import torch
from torch import nn

from mmviewpose.errors import UserError
from mmviewpose.models.weights import load_part


@pytest.fixture
def checkpoint(tmp_path):
    def write(weights, wrapped=True):
        path = tmp_path / 'weights.pth'
        torch.save(dict(state_dict=weights, meta=dict()) if wrapped else weights, path)
        return str(path)
    return write


def state(**changes):
    weights = {'encoder.weight': torch.ones(2, 3), 'encoder.bias': torch.ones(2),
               'decoder.weight': torch.zeros(9)}
    weights.update({key.replace('_', '.'): value for key, value in changes.items()})
    return {key: value for key, value in weights.items() if value is not None}


@pytest.mark.parametrize('wrapped', [True, False])
def test_the_part_under_the_prefix_is_loaded(checkpoint, wrapped):
    part = nn.Linear(3, 2)
    load_part(part, checkpoint(state(), wrapped), 'encoder.')
    assert (part.weight == 1).all() and (part.bias == 1).all()


@pytest.mark.parametrize('changes, words', [
    (dict(encoder_bias=None), r'1 missing \(first: bias\)'),
    (dict(encoder_extra=torch.ones(1)), r'1 unexpected \(first: extra\)'),
    (dict(encoder_weight=torch.ones(3, 2)), r'1 of another shape \(first: weight\)')])
def test_another_models_weights_are_refused_and_nothing_is_loaded(checkpoint, changes, words):
    part = nn.Linear(3, 2)
    before = part.weight.clone()
    message = f'weights.pth is not a checkpoint of this Linear.*{words}'
    with pytest.raises(RuntimeError, match=message):
        load_part(part, checkpoint(state(**changes)), 'encoder.')
    assert torch.equal(part.weight, before)


def test_a_wrong_prefix_is_refused(checkpoint):
    with pytest.raises(RuntimeError, match='2 missing'):
        load_part(nn.Linear(3, 2), checkpoint(state()), 'backbone.')


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(UserError, match='not found.*nowhere.pth'):
        load_part(nn.Linear(3, 2), str(tmp_path / 'nowhere.pth'))
    broken = tmp_path / 'broken.pth'
    broken.write_bytes(b'half a file')
    with pytest.raises(UserError, match='broken.pth is not a readable checkpoint'):
        load_part(nn.Linear(3, 2), str(broken))
    torch.save([1, 2], broken)
    with pytest.raises(UserError, match='broken.pth is not a'):
        load_part(nn.Linear(3, 2), str(broken))
