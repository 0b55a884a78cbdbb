"""The ablation of SeBiReNet's Table 3 on N-UCLA."""
from pathlib import Path
from typing import List

from .nucla import pretraining, probe
from .runs import prepare_archives, row, run_parts

# Row: (config of the encoder, accuracy in the paper's Table 3)
ROWS = {
    'raw-dae': ('sebirenet-raw-dae_mocap', 58.66),
    'fd': ('sebirenet-fd_mocap', 60.61),
    'fd-lo': ('sebirenet-fd-lo_mocap', 62.55),
    'fd-lo-lf': ('sebirenet-fd-lo-lf_mocap', 73.81),
    'fd-lo-lf-rot': ('sebirenet-fd-lo-lf-rot_mocap', 76.84),
    'full': ('sebirenet_mocap', 80.30),
}
# The first row's encoder has no h_v.
PROBE_OPTIONS = {'raw-dae': {
    'train_dataloader.dataset.prepare.4.encoder.decompose': False,
    'test_dataloader.dataset.prepare.2.encoder.decompose': False}}


def run(data: Path, work_dir: Path, seeds: int, jobs: int) -> List[dict]:
    """A pretraining and a probe a seed for each row, and the probe on plain joints."""
    prepare_archives(data, work_dir, ['cmu', 'bandai_namco', 'nucla'])
    encoders, probes = [], {'baseline': [probe('no-encoder', '', None, seed)
                                         for seed in range(seeds)]}
    for name, (config, _) in ROWS.items():
        pretrained = [pretraining(seed, config) for seed in range(seeds)]
        encoders += pretrained
        probes[name] = [probe(name, '', encoder, seed, PROBE_OPTIONS.get(name))
                        for seed, encoder in enumerate(pretrained)]
    results = run_parts(encoders + sum(probes.values(), []), work_dir, jobs)
    paper = {'baseline': 51.53, **{name: value for name, (_, value) in ROWS.items()}}
    return [row(f'{name}-{split}', 'accuracy %',
                [100 * results[part.name]['metrics']['test'][f'{prefix}/top1'] for part in parts],
                paper[name] if split == 'standard' else None)
            for name, parts in probes.items()
            for split, prefix in (('standard', 'acc'), ('unique', 'unique'))]
