import json
import os
import stat

import numpy as np
import pytest
import torch

from mmviewpose.engine.files import write_json
from mmviewpose.files import atomic_path


def test_write_json_takes_tensors_and_numpy(tmp_path):
    path = tmp_path / 'new' / 'a.json'
    write_json(path, dict(a=np.float32(0.5), b=torch.tensor([1, 2]), c='x'))
    assert json.loads(path.read_text()) == dict(a=0.5, b=[1, 2], c='x')
    assert stat.S_IMODE(path.stat().st_mode) & 0o400


@pytest.mark.parametrize('error', [ValueError, KeyboardInterrupt])
def test_an_error_leaves_what_was_there(tmp_path, error):
    path = tmp_path / 'a.txt'
    path.write_text('before')
    with pytest.raises(error), atomic_path(path) as temporary:
        with open(temporary, 'w') as file:
            file.write('half')
        raise error
    assert os.listdir(tmp_path) == ['a.txt'] and path.read_text() == 'before'


def test_what_is_not_json_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        write_json(tmp_path / 'a.json', dict(a=object()))
    assert not os.listdir(tmp_path)
