"""The paper's Fig. 3: more and more labels, with and without the views of everybody."""
from pathlib import Path
from typing import List

from .mcss import rows_of, training
from .runs import prepare_archives, run_parts

STEPS = {'5pct': '-s1-5pct', '10pct': '-s1-10pct', '50pct': '-s1-50pct', 's1': '', 's1s2': '-s1s2',
         'all': '-all'}
METHODS = {'mcss': 'mcss_mocap', 'baseline': 'mcss-baseline_mocap'}


def run(data: Path, work_dir: Path, seeds: int, jobs: int) -> List[dict]:
    """N-MPJPE of people who did not train; labels of 5, 10 and 50 % of person 1's moments, of
    person 1, of persons 1 and 2, and of all eleven."""
    prepare_archives(data, work_dir, ['bandai_namco'])
    parts = {f'{method}-{step}': [training(f'{config}{ending}', seed) for seed in range(seeds)]
             for method, config in METHODS.items() for step, ending in STEPS.items()}
    results = run_parts(sum(parts.values(), []), work_dir, jobs)
    return [rows_of(name, some, results)[0] for name, some in parts.items()]


def draw(rows: List[dict], folder: Path) -> Path:
    """N-MPJPE over the labels."""
    from mmviewpose.visualization import views_chart
    steps = list(STEPS)
    methods = [row['name'].split('-', 1) for row in rows]
    return views_chart(
        [dict(row, method=method, views=steps.index(step))
         for row, (method, step) in zip(rows, methods)], folder / 'mcss-ladder.png',
        'Error of people who did not train against labels', xlabel='labels', steps=steps)
