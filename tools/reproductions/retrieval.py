"""Which poses an embedding finds among images of other cameras (the paper's Fig. 5)."""
from pathlib import Path
from typing import Dict, List

from .mcss import training
from .runs import build_dataset, prepare_archives, row, run_parts

KS = (1, 2, 5, 10, 20)
METHODS = {'mcss': 'mcss_mocap', 'metric': 'mcss-metric_mocap'}
CASES = ('same', 'cross')


def pixels(work_dir: Path) -> Dict[str, float]:
    """What `RetrievalMetric` says of the test's images taken as embeddings themselves."""
    from mmviewpose.evaluation import RetrievalMetric
    dataset = build_dataset(METHODS['mcss'], work_dir)
    batch = dataset.__getitems__(range(len(dataset)))
    found = batch['data_samples']
    return RetrievalMetric(ks=KS).compute(dict(
        embedding=batch['inputs'].flatten(1).float() / 255, target=found['pose'],
        view=found['view'], subject=found['subject']))


def rows_of(name: str, metrics: List[Dict[str, float]], case: str) -> List[dict]:
    """A row a number of neighbours: above the oracle, mm."""
    return [row(f'{name}-{case}@{k}', 'Mean-PA-MPJPE above oracle, mm',
                [found[f'{case}/Mean-PA-MPJPE@{k}/relative'] for found in metrics]) for k in KS]


def run(data: Path, work_dir: Path, seeds: int, jobs: int) -> List[dict]:
    """Test people 15 to 20: ``mcss``, trained with the labels of person 1 too, ``metric``, without
    a label, ``pixels``, the images themselves, and ``random``, among all people (``same``) and
    among other people than the query's (``cross``); and what the oracle itself finds."""
    prepare_archives(data, work_dir, ['bandai_namco'])
    parts = {name: [training(config, seed) for seed in range(seeds)]
             for name, config in METHODS.items()}
    results = run_parts(sum(parts.values(), []), work_dir, jobs)
    methods = {name: [results[part.name]['metrics']['test'] for part in some]
               for name, some in parts.items()}
    methods['pixels'] = [pixels(work_dir)]
    found = [entry for case in CASES for name, metrics in methods.items()
             for entry in rows_of(name, metrics, case)]
    known = methods['pixels'][0]  # oracle and chance are the same for all
    for case in CASES:
        for k in KS:
            best, chance = (known[f'{case}/Mean-PA-MPJPE@{k}/{name}']
                            for name in ('oracle', 'random'))
            found += [row(f'random-{case}@{k}', 'Mean-PA-MPJPE above oracle, mm', [chance - best]),
                      row(f'oracle-{case}@{k}', 'Mean-PA-MPJPE, mm', [best])]
    return found


def draw(rows: List[dict], folder: Path) -> Path:
    """Fig. 5: above the oracle against the number of neighbours."""
    from mmviewpose.visualization import views_chart
    shown = []
    for entry in rows:
        name, k = entry['name'].split('@')
        if not name.startswith('oracle'):
            shown.append(dict(entry, method=name, views=KS.index(int(k))))
    return views_chart(shown, folder / 'retrieval.png', 'Poses retrieved from other cameras',
                       xlabel='neighbours', steps=[str(k) for k in KS])
