"""N-UCLA cross-view: a frozen encoder trained on motion capture, against probes without it."""
from pathlib import Path
from typing import List, Mapping, Optional

from .runs import Part, prepare_archives, row, run_parts

# The paper's Table 2; its split keeps the copies that stand under several views.
PAPER = {'full-standard': 80.3, 'raw-standard': 38.72, 'normalised-standard': 48.69}
PROBES = {'full': 'sebirenet-lstm_nucla-xview', 'no-encoder': 'lstm-joints_nucla-xview',
          'raw': 'lstm-raw_nucla-xview', 'normalised': 'lstm-normalised_nucla-xview'}
TRAININGS = {'': {}, '-dedup': {'train_dataloader.dataset.drop': dict(also_v3=[1])}}
# What everything was chosen by: one training view trains, the other is scored.
SELECTIONS = {f'-view{seen}': {'train_dataloader.dataset.select.view': [seen],
                               'test_dataloader.dataset.select.view': [other]}
              for seen, other in ((1, 2), (2, 1))}


def pretraining(seed: int, config: str = 'sebirenet_mocap') -> Part:
    """An encoder trained on motion capture; N-UCLA has no part in it."""
    return Part(f'{config}/seed{seed}', config, {'randomness.seed': seed})


def probe(row_name: str, training: str, encoder: Part = None, seed: int = 0,
          options: Optional[Mapping] = None) -> Part:
    """An LSTM on N-UCLA's views 1 and 2, tested on view 3, or as ``training`` says; ``options``
    of its config."""
    config = PROBES.get(row_name, PROBES['full'])
    name = f'{config}/{row_name}{training}'
    name += f'-{encoder.name.replace("/", "-")}' if encoder else ''
    return Part(f'{name}-probe{seed}', config,
                {'randomness.seed': seed, **TRAININGS.get(training, {}),
                 **SELECTIONS.get(training, {}), **(options or {})}, {'test': {}},
                encoder.name if encoder else None)


def run(data: Path, work_dir: Path, seeds: int, jobs: int) -> List[dict]:
    """Rows ``full``, ``no-encoder``, ``raw`` and ``normalised``, each of them ``-standard``
    (1,020 training files, 464 test files), ``-unique`` (same models, the 369 test files that are
    no copy of a training file) and ``-dedup`` (copies taken out of training, all 464).

    Everything was chosen on the training views (train on view 1, score view 2, and the reverse):
    rows ``full-selection`` and ``no-encoder-selection``, the mean over both.
    Each training sequence appears as eight augmented copies, the same ones for all seeds.
    ``full`` has one less pretraining seed than probe seeds, two at least; its seeds are pairs.
    """
    prepare_archives(data, work_dir, ['cmu', 'bandai_namco', 'nucla'])
    encoders = [pretraining(seed) for seed in range(max(2, seeds - 1))]
    probes = {(name, training): [
        probe(name, training, encoder, seed)
        for encoder in (encoders if name == 'full' else [None]) for seed in range(seeds)]
        for name in PROBES
        for training in [*TRAININGS, *(SELECTIONS if name in ('full', 'no-encoder') else ())]}
    results = run_parts(encoders + sum(probes.values(), []), work_dir, jobs)
    rows = []
    for name in PROBES:
        for split, training, metric in (('standard', '', 'acc/top1'), ('unique', '', 'unique/top1'),
                                        ('dedup', '-dedup', 'acc/top1')):
            values = [100 * results[part.name]['metrics']['test'][metric]
                      for part in probes[name, training]]
            key = f'{name}-{split}'
            rows.append(row(key, 'accuracy %', values, PAPER.get(key)))
        pairs = zip(*[probes.get((name, training), []) for training in SELECTIONS])
        values = [50 * sum(results[part.name]['metrics']['test']['acc/top1'] for part in pair)
                  for pair in pairs]
        if values:
            rows.append(row(f'{name}-selection', 'accuracy %', values))
    return rows
