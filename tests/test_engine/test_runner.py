import pytest
import torch

pytest.importorskip('mmengine')
from mmengine.config import Config  # noqa: E402
from mmengine.hooks import Hook  # noqa: E402

from mmviewpose.engine.errors import UserError  # noqa: E402
from mmviewpose.engine.runner import (build_runner, check_amp,  # noqa: E402
                                      check_checkpoint, check_data, check_pretrained, load_config,
                                      read_state_dict)
from mmviewpose.errors import DatasetError  # noqa: E402


def _write(tmp_path, text):
    path = tmp_path / 'config.py'
    path.write_text(text)
    return str(path)


def test_missing_config_names_a_similar_one(tmp_path):
    _write(tmp_path, 'model = dict()')
    with pytest.raises(UserError, match=r'not found: .*confg\.py; did you mean .*config\.py'):
        load_config(str(tmp_path / 'confg.py'))


@pytest.mark.parametrize('text, message', [
    ('model = dict(', 'SyntaxError'),
    ('model = dict(a=b)', "NameError: name 'b'"),
    ("_base_ = ['no.py']", 'no.py'),
    ('model = dict()\ntrain_dataloder = dict()', "did you mean 'train_dataloader'"),
    ('model = dict()\noptim_wraper = dict()', "did you mean 'optim_wrapper'"),
    ('a = 1', "no 'model'"),
])
def test_bad_configs(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        load_config(_write(tmp_path, text))


def test_misspelt_option(tmp_path):
    with pytest.raises(UserError, match="unknown key 'modle'; did you mean 'model'"):
        load_config(_write(tmp_path, 'model = dict(a=1)'), {'modle.a': 2})


def test_a_checkpoint_that_nothing_starts_from(tmp_path):
    config = _write(tmp_path, 'model = dict(a=1)')
    with pytest.raises(UserError, match='no part of the model starts from'):
        load_config(config, {'encoder_checkpoint': 'mine.pth'})
    with pytest.raises(UserError, match="did you mean 'encoder_checkpoint'"):
        load_config(config, {'encoder_chekpoint': 'mine.pth'})


def test_variables_of_a_config_are_not_misspellings(tmp_path):
    text = '''model = dict()
train_pipeline = val_pipeline = test_pipeline = []
data_root = 'x'
dataset_type = 'y'
num_epochs = max_epochs = 3
val_dataset = train_dataset = dict()
optimizer = dict()
loader = dict()
'''
    assert load_config(_write(tmp_path, text)).data_root == 'x'


def test_all_configs_load(root):
    for path in sorted((root / 'configs' / 'viewpose').glob('*.py')):
        scope = 'mmpose' if "'mmpose::" in path.read_text() else 'mmviewpose'
        assert load_config(str(path)).default_scope == scope, path


def _cfg(dataset):
    return Config(dict(train_dataloader=dict(dataset=dataset),
                       synthetic_config='configs/viewpose/x_synthetic.py'))


@pytest.mark.parametrize('dataset', [
    dict(type='PoseDataset', data_root='no/such', sources=[dict(ann_file='there.npz')]),
    dict(type='ConcatDataset', datasets=[
        dict(type='PoseDataset', data_root='no/such', sources=[dict(ann_file='there.npz')])]),
    dict(type='RepeatDataset', times=2, dataset=dict(
        type='mmaction.PoseDataset', ann_file='no/such/there.npz', pipeline=[])),
    dict(type='mmpose.Human36mDataset', ann_file='.', camera_param_file='no/such/there.npz'),
])
def test_missing_data(dataset):
    with pytest.raises(DatasetError) as caught:
        check_data(_cfg(dataset), 'train_dataloader', 'val_dataloader')
    text = str(caught.value)
    assert 'no/such/there.npz' in text
    assert 'docs/data_preparation.md' in text
    assert 'tools/train.py configs/viewpose/x_synthetic.py' in text


def test_present_data(tmp_path):
    (tmp_path / 'a.pkl').write_bytes(b'')
    check_data(_cfg(dict(type='mmaction.PoseDataset', data_root=str(tmp_path), ann_file='a.pkl')),
               'train_dataloader')


def test_checkpoints(tmp_path):
    model, path = torch.nn.Linear(2, 3), str(tmp_path / 'a.pth')
    torch.save(dict(state_dict=model.state_dict()), path)
    check_checkpoint(model, path)
    torch.save({f'module.{key}': value for key, value in model.state_dict().items()}, path)
    check_checkpoint(model, path)
    with pytest.raises(UserError, match=r'another model: of 2 weights 0 fit; 2 .*another shape'):
        check_checkpoint(torch.nn.Linear(4, 5), path)
    other = torch.nn.Linear(2, 3, bias=False)
    with pytest.raises(UserError, match=r'of 1 weights 1 fit; 1 are unexpected \(e.g. bias\)'):
        check_checkpoint(other, path)
    check_checkpoint(other, path, whole=False)
    with pytest.raises(UserError, match='0 fit; 3 weights are missing .*2 are unexpected'):
        check_checkpoint(torch.nn.Sequential(other, model), path, whole=False)


def test_unreadable_checkpoints(tmp_path):
    path = tmp_path / 'a.pth'
    with pytest.raises(UserError, match='not found'):
        read_state_dict(str(path))
    path.write_bytes(b'not a checkpoint')
    with pytest.raises(UserError, match='not a readable checkpoint'):
        read_state_dict(str(path))
    torch.save(dict(a=1), path)
    with pytest.raises(UserError, match='holds no weights'):
        read_state_dict(str(path))


def test_one_option_names_the_encoder_everywhere(root):
    config = str(root / 'configs/viewpose/sebirenet-lstm_nucla-xview.py')
    cfg = load_config(config, {'encoder_checkpoint': 'mine.pth'})
    assert cfg.pretty_text.count("checkpoint='mine.pth'") == 3  # train, test and the variable
    ntu = load_config(str(root / 'configs/viewpose/sebirenet-lstm_ntu60-xview.py'),
                      {'encoder_checkpoint': 'mine.pth'})
    with pytest.raises(UserError, match='mine.pth.*encoder_checkpoint=FILE'):
        check_pretrained(ntu)


def test_paper_configs_have_the_papers_feature_loss(root):
    for name in ('sebirenet_ape', 'sebirenet-published_ape'):
        cfg = load_config(str(root / f'configs/viewpose/{name}.py'))
        assert cfg.model.feature_norm == 'frobenius' and cfg.model.reduction == 'sum'


def test_a_scaled_rate_reaches_the_optimizer(root, tmp_path):
    """One cycle sets the rate itself: its peak must be scaled too."""
    def peak(enable):
        cfg = load_config(str(root / 'configs/viewpose/sebirenet_synthetic.py'), {
            'train_dataloader.batch_size': 32, 'train_dataloader.dataset.num_poses': 320,
            'train_cfg.max_epochs': 1, 'param_scheduler.total_steps': 1,
            'auto_scale_lr': dict(enable=enable, base_batch_size=16)})
        cfg.work_dir, cfg.experiment_name = str(tmp_path), f'peak_{enable}'
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        rates = []

        class Rates(Hook):
            def before_train_iter(self, runner, batch_idx, data_batch=None):
                rates.append(runner.optim_wrapper.get_lr()['lr'][0])

        runner = build_runner(cfg)
        runner.register_hook(Rates())
        runner.train()
        return max(rates)

    assert peak(True) == pytest.approx(2 * peak(False))


def test_scaled_rates_of_two_optimizers(root, tmp_path):
    def peaks(enable):
        cycle = dict(type='OneCycleLR', total_steps=4, by_epoch=False, pct_start=0.5)
        cfg = load_config(str(root / 'configs/viewpose/partlift-full_synthetic.py'), {
            'model.lifter.width': 8, 'model.critic.width': 8, 'model.lifter.blocks': 1,
            'train_dataloader.batch_size': 32, 'train_dataloader.dataset.num_poses': 128,
            'train_cfg.max_epochs': 1, 'custom_hooks': [],
            'auto_scale_lr': dict(enable=enable, base_batch_size=16)})
        cfg.param_scheduler = dict(lifter=[dict(cycle, eta_max=1e-3)],
                                   critic=[dict(cycle, eta_max=5e-3)])
        cfg.work_dir, cfg.experiment_name = str(tmp_path), f'peaks_{enable}'
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        rates = []

        class Rates(Hook):
            def before_train_iter(self, runner, batch_idx, data_batch=None):
                rates.append(runner.optim_wrapper.get_lr())

        runner = build_runner(cfg)
        runner.register_hook(Rates())
        runner.train()
        return [max(rate[f'{part}.lr'][0] for rate in rates) for part in ('lifter', 'critic')]

    plain = peaks(False)
    assert plain == pytest.approx([1e-3, 5e-3])
    assert peaks(True) == pytest.approx([2 * rate for rate in plain])


def test_mixed_precision_wants_a_device(monkeypatch):
    monkeypatch.setattr('mmviewpose.engine.runner.get_device', lambda: 'cpu')
    with pytest.raises(UserError, match='--amp needs a GPU'):
        check_amp()
    monkeypatch.setattr('mmviewpose.engine.runner.get_device', lambda: 'cuda')
    check_amp()
