"""Agreement of predicted and given scores of movements."""
import warnings
from collections import defaultdict
from typing import Any, Dict, List, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric

from mmviewpose.registry import METRICS


@METRICS.register_module()
class RankCorrelation(BaseMetric):
    """Spearman's rank correlation of predicted and given scores, of each movement and their mean.

    A recording's score is the class with the largest mean output over its clips (F. Sardari et
    al., "Unsupervised view-invariant human posture representation", 2021, Sec. 4); let the head
    average outputs, ``average_clips='score'``. Results are ``rho`` and ``rho/MOVEMENT``, -1 to 1.
    Where all recordings of a movement get one score there is no correlation: it counts as 0.

    Args:
        group_by: Entry of the samples' metainfo that tells movements apart; None: one movement.
            Where the data set numbers it, its words (``label_names``) are the names.
        sequence: Entry that tells recordings apart.
        collect_device, prefix, collect_dir: As in mmengine.

    Raises:
        KeyError: A sample lacks an entry.
    """

    default_prefix = ''

    def __init__(self, group_by: str = None, sequence: str = 'sequence', **kwargs) -> None:
        super().__init__(**kwargs)
        self.group_by, self.sequence = group_by, sequence

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep each clip's outputs."""
        for sample in data_samples:
            self.results.append(dict(
                outputs=sample['pred_scores']['item'].cpu().numpy(),
                label=int(sample['gt_labels']['item']), sequence=int(sample[self.sequence]),
                group='' if self.group_by is None else str(sample[self.group_by])))

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Correlations of the whole data set."""
        clips: Dict[tuple, List[dict]] = defaultdict(list)
        for result in results:
            clips[result['group'], result['sequence']].append(result)
        scores: Dict[str, List[tuple]] = defaultdict(list)
        for (group, _), parts in clips.items():
            outputs = np.mean([part['outputs'] for part in parts], 0)
            scores[group].append((int(outputs.argmax()), parts[0]['label']))
        found = {group: _spearman(*zip(*pairs)) for group, pairs in sorted(scores.items())}
        words = ((self.dataset_meta or {}).get('label_names') or {}).get(self.group_by)
        named = {f'rho/{words[int(group)] if words and group.isdigit() else group}': rho
                 for group, rho in found.items() if group}
        return dict(rho=float(np.mean(list(found.values()))), **named)


def _spearman(first: Sequence[int], second: Sequence[int]) -> float:
    from scipy.stats import spearmanr  # comes with mmpose and mmaction2
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # constant input
        rho = float(spearmanr(first, second)[0])
    return rho if np.isfinite(rho) else 0.
