"""The two main tools on a small config of the built-in people, in this process."""
import json
import os
import re
import subprocess
import sys

import pytest
import torch

pytest.importorskip('mmpose')
# two runs within a second get the same name, and mmengine notices
pytestmark = pytest.mark.filterwarnings('ignore:.*instance named of:UserWarning')

SMALL = '''_base_ = ['{root}/configs/viewpose/sebirenet_synthetic.py']
model = dict(encoder=dict(hidden_channels=4), decoder=dict(hidden_channels=4))
train_dataloader = dict(batch_size=32, dataset=dict(num_poses=130))
val_dataloader = dict(batch_size=32, dataset=dict(num_poses=70))
test_dataloader = dict(batch_size=32, dataset=dict(num_poses=70))
train_cfg = dict(max_epochs=2, val_interval=2)
param_scheduler = dict(_delete_=True, type='MultiStepLR', milestones=[2], by_epoch=True)
default_hooks = dict(logger=dict(interval=3))
randomness = dict(seed=0)
visualizer = dict(type='Visualizer', vis_backends=None)
'''


@pytest.fixture(scope='module')
def small(root, tmp_path_factory):
    path = tmp_path_factory.mktemp('config') / 'small.py'
    path.write_text(SMALL.format(root=root))
    return str(path)


@pytest.fixture(scope='module')
def train(load_tool):
    return load_tool('train.py').main


@pytest.fixture(scope='module')
def test(load_tool):
    return load_tool('test.py').main


@pytest.fixture(scope='module')
def trained(small, train, tmp_path_factory):
    """Work dir after two epochs."""
    work_dir = tmp_path_factory.mktemp('work')
    train([small, '--work-dir', str(work_dir)])
    return work_dir


def _refused(capsys, main, *args):
    with pytest.raises(SystemExit) as caught:
        main([str(arg) for arg in args])
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith('error: ')]
    assert caught.value.code == 1 and len(lines) == 1
    return lines[0]


def _load(path):
    return torch.load(path, weights_only=True) if hasattr(
        torch.serialization, 'add_safe_globals') else torch.load(path)


def test_history_is_complete(trained):
    from mmviewpose.compat import load_checkpoint_file
    content = load_checkpoint_file(str(trained / 'epoch_2.pth'))
    scalars = content['message_hub']['log_scalars']
    for name in ('loss', 'lr', 'time', 'data_time', 'loss_position'):
        log, count = scalars[f'train/{name}'].data
        assert len(log) == len(count) == 8, name  # 4 batches of 32 in 130, twice
        assert (count == 1).all()
    assert content['message_hub']['runtime_info']['iter'] == 7


def test_metrics_go_to_a_file(small, test, trained, tmp_path):
    out = tmp_path / 'metrics.json'
    metrics = test([small, str(trained / 'epoch_2.pth'), '--work-dir', str(tmp_path), '--out',
                    str(out)])
    assert json.loads(out.read_text()) == pytest.approx(metrics)
    assert metrics and all(value > 0 for value in metrics.values())


def test_errors_of_frames_go_to_a_file(small, test, trained, tmp_path):
    from mmviewpose.datasets.formats.npz import read_npz
    out = tmp_path / 'frames.npz'
    metrics = test([small, str(trained / 'epoch_2.pth'), '--work-dir', str(tmp_path), '--frames',
                    str(out)])
    frames, _ = read_npz(out, 'mmviewpose-frame-errors-1', 'file of frame errors')
    count = len(frames['index'])
    assert count > 1 and frames['index'].tolist() == list(range(count))
    found = [name for name, values in frames.items() if values.ndim == 2]
    assert found
    for name in found:
        assert frames[name].shape == (count, 1)
        assert frames[name].mean() == pytest.approx(metrics[name])


def test_pictures_go_to_a_folder(small, test, trained, tmp_path):
    test([small, str(trained / 'epoch_2.pth'), '--show-dir', str(tmp_path / 'show'), '--interval',
          '2', '--work-dir', str(tmp_path)])
    assert [path.name for path in sorted((tmp_path / 'show').iterdir())] == [
        'test_0000.png', 'test_0002.png']


@pytest.mark.parametrize('which', ['auto', 'path'])
def test_resume(small, train, trained, tmp_path, which):
    import shutil
    work_dir = tmp_path / 'work'
    shutil.copytree(trained, work_dir)
    (work_dir / 'last_checkpoint').write_text(str(work_dir / 'epoch_2.pth'))
    resume = ['--resume'] if which == 'auto' else ['--resume', str(trained / 'epoch_2.pth')]
    train([small, '--work-dir', str(work_dir), *resume, '--no-validate', '--cfg-options',
           'train_cfg.max_epochs=3'])
    from mmviewpose.compat import load_checkpoint_file
    before = load_checkpoint_file(str(trained / 'epoch_2.pth'))
    after = load_checkpoint_file(str(work_dir / 'epoch_3.pth'))
    assert after['meta']['epoch'] == 3 and after['meta']['iter'] == 12
    history, longer = (content['message_hub']['log_scalars']['train/loss'].data[0]
                       for content in (before, after))
    assert len(longer) == 12 and (longer[:8] == history).all()


def test_other_models_checkpoint_is_refused(small, train, test, trained, tmp_path, capsys):
    other = ['model.encoder.hidden_channels=6', 'model.decoder.hidden_channels=6']
    checkpoint = trained / 'epoch_2.pth'
    for main, args in ((test, [small, checkpoint]), (train, [small, '--resume', checkpoint])):
        line = _refused(capsys, main, *args, '--work-dir', tmp_path, '--out', tmp_path / 'o.json',
                        '--cfg-options', *other) if main is test else _refused(
                            capsys, main, *args, '--work-dir', tmp_path, '--cfg-options', *other)
        assert re.search(r'checkpoint of another model: of \d+ weights \d+ fit', line)
    assert not (tmp_path / 'o.json').exists()


def test_missing_checkpoint(small, train, test, tmp_path, capsys):
    for line in (_refused(capsys, test, small, 'no.pth', '--work-dir', tmp_path),
                 _refused(capsys, train, small, '--resume', 'no.pth', '--work-dir', tmp_path)):
        assert line == 'error: checkpoint not found: no.pth'


def test_typos(small, train, tmp_path, capsys):
    args = (small, '--work-dir', tmp_path, '--cfg-options')
    assert "did you mean 'SeBiReNetEncoder'" in _refused(
        capsys, train, *args, 'model.encoder.type=SebirenetEncodr')
    assert "unknown key 'optim_wraper'" in _refused(capsys, train, *args, 'optim_wraper.lr=1')
    assert "takes no argument 'hiden_channels'" in _refused(
        capsys, train, *args, 'model.encoder.hiden_channels=3')
    assert "takes no argument 'lrr'" in _refused(
        capsys, train, *args, 'optim_wrapper.optimizer.lrr=3')
    assert 'config file not found' in _refused(capsys, train, 'no.py')


def test_missing_data_stops_before_the_model(root, train, tmp_path, capsys, monkeypatch):
    from mmengine.runner import Runner
    monkeypatch.setattr(Runner, 'from_cfg', lambda cfg: pytest.fail('the Runner was built'))
    line = _refused(capsys, train, root / 'configs/viewpose/sebirenet_mocap.py', '--work-dir',
                    tmp_path / 'new', '--cfg-options', 'train_dataloader.dataset.data_root=no/')
    assert 'no/cmu.npz' in line and 'docs/data_preparation.md' in line
    assert 'tools/train.py configs/viewpose/sebirenet_synthetic.py' in line
    assert not (tmp_path / 'new').exists()


def test_amp_and_scaled_learning_rate(small, load_tool):
    from mmviewpose.engine.runner import load_config
    tool = load_tool('train.py')
    args = tool.parse_args([small, '--amp', '--auto-scale-lr', '--seed', '5', '--launcher',
                            'none'])
    cfg = tool.merge_args(load_config(small), args)
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper' and cfg.auto_scale_lr.enable
    assert cfg.randomness.seed == 5


def test_two_ranks_on_cpu_agree(root, small, tmp_path):
    code = ('import sys, torch; from mmengine.hooks import Hook\n'
            'from mmviewpose.registry import HOOKS\n'
            '@HOOKS.register_module()\n'
            'class SaveEveryRank(Hook):\n'
            '    def after_train(self, runner):\n'
            '        import os\n'
            '        weights = {k: v for k, v in runner.model.module.state_dict().items()}\n'
            '        losses = runner.message_hub.get_scalar("train/loss").data[0].tolist()\n'
            '        torch.save(dict(weights=weights, losses=losses),\n'
            '                   os.path.join(runner.work_dir, f"rank{runner.rank}.pth"))\n')
    (tmp_path / 'save_every_rank.py').write_text(code)
    config = tmp_path / 'ranks.py'
    config.write_text(f"_base_ = [{small!r}]\n"
                      "custom_imports = dict(imports=['save_every_rank'])\n"
                      "custom_hooks = [dict(type='SaveEveryRank')]\n")
    _launch(root, 'dist_train.sh', config, 2, '--work-dir', tmp_path)
    one, other = (_load(tmp_path / f'rank{rank}.pth') for rank in (0, 1))
    assert one['losses'] != other['losses']  # each rank had its own half of the data
    for key, value in one['weights'].items():
        assert torch.equal(value, other['weights'][key]), key


@pytest.mark.slow
def test_two_ranks_on_cpu_test_alike(root, small, test, trained, tmp_path):
    checkpoint = str(trained / 'epoch_2.pth')
    _launch(root, 'dist_test.sh', small, checkpoint, 2, '--work-dir', tmp_path, '--out',
            tmp_path / 'out.json')
    alone = test([small, checkpoint, '--work-dir', str(tmp_path)])
    assert json.loads((tmp_path / 'out.json').read_text()) == pytest.approx(alone)


def _launch(root, script, *args):
    environment = dict(os.environ, PYTHON=sys.executable, OMP_NUM_THREADS='1',
                       PORT=str(_free_port()), CUDA_VISIBLE_DEVICES='')
    folder = str(args[args.index('--work-dir') + 1])
    environment['PYTHONPATH'] = folder
    done = subprocess.run(['bash', str(root / 'tools' / script), *map(str, args)], cwd=folder,
                          env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


def _free_port():
    import socket
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        return sock.getsockname()[1]


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh',
                                    'slurm_test.sh'])
def test_launchers_say_how_to_call_them(root, script):
    done = subprocess.run(['bash', str(root / 'tools' / script)], capture_output=True, text=True)
    assert done.returncode == 2 and 'CONFIG' in done.stderr


def test_slurm_launcher_calls_srun(root, tmp_path):
    fake = tmp_path / 'srun'
    fake.write_text('#!/bin/sh\necho "$@"\n')
    fake.chmod(0o755)
    environment = dict(os.environ, PATH=f'{tmp_path}:{os.environ["PATH"]}', GPUS='4',
                       GPUS_PER_NODE='2')
    done = subprocess.run(['bash', str(root / 'tools/slurm_train.sh'), 'part', 'job', 'my config.py',
                           'work', '--amp'], env=environment, capture_output=True, text=True)
    assert '-p part --job-name=job --gres=gpu:2 --ntasks-per-node=2 --ntasks=4' in done.stdout
    assert 'train.py my config.py --work-dir=work --launcher=slurm --amp' in done.stdout
