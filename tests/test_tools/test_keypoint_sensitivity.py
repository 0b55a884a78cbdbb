"""The tool on stand-in lifters: one of independent legs and torso, one of the whole pose."""
import json

import pytest
import torch
from torch import nn

from mmviewpose.models.batch_model import BatchModel
from mmviewpose.registry import MODELS, TRANSFORMS
from mmviewpose.skeletons import get_skeleton

CONFIG = '''
default_scope = 'mmviewpose'
model = dict(type='StandInLifter', split={split})
test_dataloader = dict(dataset=dict(
    type='SyntheticPoseDataset', num_poses=40, pipeline=[dict(type='StandInPack')]))
val_dataloader = test_dataloader
'''


class StandInLifter(BatchModel):
    """Contract of AdversarialLifter, with a linear map a part."""

    def __init__(self, split):
        super().__init__()
        self.skeleton = get_skeleton('ape17')
        self.joints = [i for i in range(17) if i != self.skeleton.root]
        legs = {*self.skeleton.parts['left_leg'], *self.skeleton.parts['right_leg']}
        number = {joint: i for i, joint in enumerate(self.joints)}
        self.parts = dict(full=tuple(range(16))) if not split else dict(
            legs=tuple(number[i] for i in self.joints if i in legs),
            torso=tuple(number[i] for i in self.joints if i not in legs))
        self.maps = nn.ModuleList(nn.Linear(2 * len(part), len(part))
                                  for part in self.parts.values())

    def normalise(self, points):
        points = points[:, self.joints]
        scale = points.abs().amax((1, 2), keepdim=True)
        return points / scale, scale

    def lift(self, points):
        assert not self.training
        depths = points.new_zeros(points.shape[:2])
        for part, lift in zip(self.parts.values(), self.maps):
            depths[:, list(part)] = lift(points[:, list(part)].flatten(1))
        return depths

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return self.lift(self.normalise(inputs)[0])


class StandInPack:
    """Inputs are x, y with a little noise."""

    def __call__(self, batch):
        points = batch['keypoints'][..., :2]
        return dict(inputs=points + torch.randn_like(points), data_samples=dict())


@pytest.fixture(scope='module', autouse=True)
def _registered():
    MODELS.register_module(module=StandInLifter)
    TRANSFORMS.register_module(module=StandInPack)
    yield
    MODELS._module_dict.pop('StandInLifter')
    TRANSFORMS._module_dict.pop('StandInPack')


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('trained')
    entries = {}
    for name, split in (('full', False), ('leg-torso', True)):
        config, checkpoint = folder / f'{name}.py', folder / f'{name}.pth'
        config.write_text(CONFIG.format(split=split))
        torch.manual_seed(0)
        torch.save(dict(state_dict=StandInLifter(split).state_dict()), checkpoint)
        entries[name] = f'{name}={config}:{checkpoint}'
    return entries


@pytest.fixture
def tool(load_tool):
    return load_tool('analysis/keypoint_sensitivity.py')


def test_pictures_table_and_json(tool, trained, tmp_path, capsys):
    args = [*trained.values(), '--poses', '12']
    assert tool.main([*args, '--out', str(tmp_path / 'a')]) == 0
    text = capsys.readouterr().out
    assert 'leg-torso' in text and '0 exactly  legs/torso' in text
    for name in ('heatmap.png', 'curves.png'):
        assert (tmp_path / 'a' / name).stat().st_size > 10000
    result = json.loads((tmp_path / 'a' / 'sensitivity.json').read_text())
    full, split = (result['models'][name] for name in trained)
    assert full['poses'] == 12 and len(result['joints']) == 16
    assert 'left_elbow' in result['joints'] and 'pelvis' not in result['joints']
    for entry, cross in ((full, False), (split, True)):
        legs = set(split['parts']['legs'])
        values = {True: [], False: []}
        for i, row in enumerate(entry['matrix']):
            for j, value in enumerate(row):
                values[(i in legs) == (j in legs)].append(value)
        means = entry['means']['legs/torso']
        assert means['within'] == pytest.approx(sum(values[True]) / len(values[True]))
        assert means['across'] == pytest.approx(sum(values[False]) / len(values[False]))
        assert (means['across'] == 0) == cross and min(values[True]) > 0


def test_a_model_alone_is_shown_by_legs_and_torso(tool, trained, tmp_path, capsys):
    assert tool.main([trained['full'], '--poses', '3', '--split', 'val', '--seen', 'head',
                      '--changed', 'left_knee', '--out', str(tmp_path)]) == 0
    assert 'legs/torso' in capsys.readouterr().out


def test_the_seed_decides_what_is_random_in_the_data(tool, trained):
    def points(*more):
        args = tool.parse_args([trained['full'], '--poses', '5', '--out', '.', *more])
        return tool.load(*tool.named_models(args.models)['full'], args).points

    found = points()
    assert found.shape == (5, 16, 2) and found.abs().amax((1, 2)).eq(1).all()
    assert torch.equal(found, points()) and not torch.equal(found, points('--seed', '1'))


@pytest.mark.parametrize('change, message', [
    (dict(models=['full']), 'NAME=CONFIG.py:CHECKPOINT'),
    (dict(models=['full=nowhere.py:x.pth']), 'config file not found'),
    (dict(swap=True), 'leg-torso.pth'),
    (dict(more=['--changed', 'tail']), "no joint 'tail'"),
    (dict(more=['--cfg-options', 'model.type=SequenceEncoder']), 'SequenceEncoder'),
    (dict(more=['--cfg-options', 'val_dataloader=None', '--split', 'val']), 'val_dataloader'),
])
def test_errors_are_one_line(tool, trained, tmp_path, capsys, change, message):
    models = change.get('models', [trained['full']])
    if change.get('swap'):
        models = [trained['full'].replace('full.pth', 'leg-torso.pth')]
    with pytest.raises(SystemExit):
        tool.main([*models, *change.get('more', ()), '--out', str(tmp_path / 'no')])
    # what other tests' loggers say of their closed streams stands before it
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith('error: ') and message in last
    assert not (tmp_path / 'no').exists()


def test_a_model_of_another_kind(tool, tmp_path, capsys):
    config = tmp_path / 'other.py'
    config.write_text("default_scope = 'mmviewpose'\nmodel = dict(type='JointPositionLoss')\n"
                      "test_dataloader = dict(dataset=dict(type='SyntheticPoseDataset'))\n")
    with pytest.raises(SystemExit):
        tool.main([f'a={config}:x.pth', '--out', str(tmp_path)])
    assert 'does not lift 2D poses by parts' in capsys.readouterr().err
