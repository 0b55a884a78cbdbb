import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapperDict, build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS, DefaultScope

from mmviewpose.engine.errors import UserError
from mmviewpose.engine.runner import load_config

ADAM = dict(optimizer=dict(type='Adam', lr=1e-3))


class Model(torch.nn.Module):

    def __init__(self):
        super().__init__()
        self.lifter, self.critic = torch.nn.Linear(2, 3), torch.nn.Linear(3, 1)
        self.frozen = torch.nn.Linear(2, 2).requires_grad_(False)
        self.empty, self.number = torch.nn.ReLU(), 3


def build(model=None, constructor='PartsOptimWrapperConstructor', **parts):
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        return build_optim_wrapper(model or Model(), dict(constructor=constructor, **parts))


def test_each_part_has_its_own():
    model = Model()
    wrapper = build(model, lifter=ADAM, critic=dict(
        type='OptimWrapper', optimizer=dict(type='StackedMuon', lr=0.5),
        paramwise_cfg=dict(bias_lr_mult=2.), clip_grad=dict(max_norm=1.)))
    assert isinstance(wrapper, OptimWrapperDict) and list(wrapper.keys()) == ['lifter', 'critic']
    for name in wrapper.keys():
        held = [weight for group in wrapper[name].optimizer.param_groups
                for weight in group['params']]
        assert {*map(id, held)} == {*map(id, getattr(model, name).parameters())}
    assert wrapper['critic'].clip_grad_kwargs == dict(max_norm=1.)
    assert {group['lr'] for group in wrapper['critic'].param_groups} == {0.5, 1.}
    assert type(wrapper['lifter'].optimizer) is torch.optim.Adam


def test_from_any_scope():
    with DefaultScope.overwrite_default_scope('mmengine'):
        wrapper = build_optim_wrapper(Model(), dict(
            constructor='mmviewpose.PartsOptimWrapperConstructor', lifter=ADAM))
    assert list(wrapper.keys()) == ['lifter']


def test_the_config_stays_as_it_was():
    config = ConfigDict(constructor='PartsOptimWrapperConstructor', lifter=ADAM, critic=ADAM)
    before = config.to_dict()
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        build_optim_wrapper(Model(), config)
    assert config.to_dict() == before


@pytest.mark.parametrize('name', ['crtic', 'frozen', 'empty', 'number'])
def test_what_is_no_part(name):
    with pytest.raises(UserError, match=f"Model has no part '{name}' with weights to learn"):
        build(lifter=ADAM, **{name: ADAM})


def test_settings_of_single_weights_belong_to_a_part():
    with pytest.raises(UserError, match='paramwise_cfg belongs into .* lifter, critic'):
        build(lifter=ADAM, critic=ADAM, paramwise_cfg=dict(bias_lr_mult=2.))


@pytest.mark.parametrize('name, entry', [
    ('type', 'AmpOptimWrapper'), ('clip_grad', dict(max_norm=1.)), ('accumulative_counts', 2),
    ('critic', dict(clip_grad=dict(max_norm=1.))),
])
def test_what_is_no_optimizer_wrapper(name, entry):
    with pytest.raises(UserError, match=rf'optim_wrapper\.{name}: .* NAME=dict\(optimizer='):
        build(lifter=ADAM, **{name: entry})


def test_schedules_step_both():
    wrapper = build(lifter=ADAM, critic=dict(optimizer=dict(type='SGD', lr=2e-3)))
    schedules = [PARAM_SCHEDULERS.build(dict(type='LinearLR', start_factor=1., end_factor=0.1,
                                             end=9, optimizer=part)) for part in wrapper.values()]
    for _ in range(9):
        for part in wrapper.values():
            part.step()
        for schedule in schedules:
            schedule.step()
    rates = wrapper.get_lr()
    assert rates['lifter.lr'] == [pytest.approx(1e-4)]
    assert rates['critic.lr'] == [pytest.approx(2e-4)]


def test_state_round_trip():
    model = Model()
    wrapper = build(model, lifter=ADAM, critic=ADAM)
    loss = model.critic(model.lifter(torch.ones(4, 2))).sum()
    loss.backward()
    for name in wrapper.keys():
        wrapper[name].step()
    again = build(lifter=ADAM, critic=ADAM)
    again.load_state_dict(wrapper.state_dict())
    for name in wrapper.keys():
        states = [entry[name].optimizer.state_dict()['state'] for entry in (wrapper, again)]
        torch.testing.assert_close(*states)
        assert states[0]


CONFIG = '''model = dict(type='AdversarialLifter')
train_cfg = train_dataloader = dict()
optim_wrapper = dict(
    constructor='PartsOptimWrapperConstructor',
    lifter=dict(optimizer=dict(type='Adam', lr=2e-4), accumulative_counts=2),
    critic=dict({}optimizer=dict(type='Adam', lr=2e-4)))
'''


def merged(tmp_path, load_tool, text):
    path = tmp_path / 'config.py'
    path.write_text(text)
    tool = load_tool('train.py')
    return tool.merge_args(load_config(str(path)), tool.parse_args([str(path), '--amp']))


def test_amp_reaches_every_part(tmp_path, load_tool):
    cfg = merged(tmp_path, load_tool, CONFIG.format("type='AmpOptimWrapper', loss_scale=512., "))
    wrapper = cfg.optim_wrapper
    assert wrapper.constructor == 'PartsOptimWrapperConstructor' and 'type' not in wrapper
    assert wrapper.lifter.type == wrapper.critic.type == 'AmpOptimWrapper'
    assert wrapper.lifter.loss_scale == 'dynamic' and wrapper.critic.loss_scale == 512.
    assert wrapper.lifter.accumulative_counts == 2
    with pytest.raises(UserError, match='does not go with the optimizer wrapper ApexOptimWrapper'):
        merged(tmp_path, load_tool, CONFIG.format("type='ApexOptimWrapper', "))


def test_amp_passes_over_what_is_no_optimizer_wrapper(load_tool):
    config = ConfigDict(constructor='PartsOptimWrapperConstructor', type='AmpOptimWrapper',
                        lifter=ADAM, clip_grad=dict(max_norm=1.), critic=ADAM)
    wrappers = load_tool('train.py').wrappers
    assert [id(entry) for entry in wrappers(config)] == [id(config.lifter), id(config.critic)]
    one = ConfigDict(ADAM, clip_grad=dict(max_norm=1.))
    assert [id(entry) for entry in wrappers(one)] == [id(one)]
