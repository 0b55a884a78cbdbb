"""Batches of pairs of views of one person's moments, and of labelled images."""
import math
from typing import Iterator, List, NamedTuple

import torch
from mmengine.logging import print_log
from torch import Tensor
from torch.utils.data import BatchSampler

from mmviewpose.datasets.datasets.moment_pose_dataset import MomentPoseDataset
from mmviewpose.datasets.samplers.default_sampler import require_default_sampler
from mmviewpose.errors import DatasetError, UserError
from mmviewpose.registry import DATA_SAMPLERS


class _Plan(NamedTuple):
    """How the moments of one person become batches.

    Attributes:
        moments: Their numbers, by clip and frame, ``(P,)``.
        classes: Of consecutive moments of a clip, how many lie from one of a batch to the next.
        pairs: Of a batch, on each rank.
        batches: Of an epoch.
    """
    moments: Tensor
    classes: int
    pairs: int
    batches: int


@DATA_SAMPLERS.register_module()
class PairBatchSampler(BatchSampler):
    """Batches for learning with few labels (R. Mitra et al., "Multiview-consistent semi-supervised
    learning for 3D human pose estimation", 2020, Sec. 3.1.1): first m moments of **one** person,
    none of them close in time to another, each as two images of different cameras side by side;
    then labelled images of anybody::

        train_dataloader = dict(
            batch_size=2 * 66 + 22,
            sampler=dict(type='DefaultSampler', shuffle=True),
            batch_sampler=dict(type='PairBatchSampler', pairs=66, regression=22, min_gap=25),
            dataset=dict(type='ImagePoseDataset', ...))

    In an epoch each moment is there about once, in two of its views, and people come in random
    order; labelled images come in random order, again and again. All is drawn anew in each epoch
    from the sampler's seed. With several ranks a step's batches are of one person on all of them,
    of different moments, no two of them close; all ranks have equally many. A person with too few
    moments for m that are not close has smaller batches; with fewer than two a rank none, since a
    moment's negatives are the others. Both is logged, as are moments that one camera alone saw.

    mmpose's ``MultiSourceSampler`` fills fixed shares of a batch from several data sets, and so
    could put images for pairs beside labelled ones. But it draws each image by itself: it knows
    neither views of one moment, nor whole batches of one person, who changes from batch to batch,
    nor time. Its order does not follow from seed and epoch, and it wants a ``CombinedDataset`` of
    single samples where ours take the indices of a batch at once.

    Args:
        sampler: mmengine's ``DefaultSampler``, or one with its attributes, of a
            :class:`~mmviewpose.datasets.datasets.moment_pose_dataset.MomentPoseDataset`; its
            ``shuffle`` makes no difference.
        batch_size: Must be ``2 * pairs + regression``.
        pairs: m; 0 for labelled images alone, an epoch of which is each of them once.
        regression: Labelled images in a batch; 0 for pairs alone.
        min_gap: Moments of a clip that are fewer frames apart are not in one batch. Frames are
            counted as the data set does, whatever its stride.

    Raises:
        UserError: A setting does not fit, or the dataset is another or for tests.
        DatasetError: No moment was seen by two cameras, nobody has two moments, or nothing is
            labelled.
    """

    def __init__(self, sampler, batch_size: int, pairs: int = 66, regression: int = 22,
                 min_gap: int = 1) -> None:
        require_default_sampler(sampler, type(self).__name__)
        if pairs < 0 or pairs == 1 or regression < 0 or pairs + regression == 0 or min_gap < 1:
            raise UserError('config: pairs must be 0 or at least 2 (a moment\'s negatives are the '
                            'others), regression not negative, not both 0, and min_gap at least '
                            f'1; got {pairs}, {regression}, {min_gap}')
        if batch_size != 2 * pairs + regression:
            raise UserError(f'config: batch_size ({batch_size}) must be 2 * pairs + regression, '
                            f'{2 * pairs + regression}')
        dataset = sampler.dataset
        if not isinstance(dataset, MomentPoseDataset) or not dataset.training:
            raise UserError('config: PairBatchSampler needs a dataset of images with poses such as '
                            'ImagePoseDataset, with training=True; got a '
                            f'{type(dataset).__name__}')
        super().__init__(sampler, batch_size, drop_last=False)
        self.pairs, self.regression, self.min_gap = pairs, regression, min_gap
        self.labelled = dataset.labelled_rows if regression else torch.arange(0)
        if regression and not len(self.labelled):
            raise DatasetError(f'no image is labelled, but a batch has {regression} for the '
                               'regression: mend labels of the dataset, or set regression=0')
        self.views = dataset.view_groups()
        self.plans = self._plans(dataset) if pairs else []
        self.num_batches = sum(plan.batches for plan in self.plans)
        if not pairs:
            self.num_batches = math.ceil(len(self.labelled) / (regression * sampler.world_size))

    def _plans(self, dataset: MomentPoseDataset) -> List[_Plan]:
        """The plans of all who have moments enough."""
        usable = ((self.views >= 0).sum(1) > 1).nonzero()[:, 0]
        seen = len(self.views)
        if not len(usable):
            raise DatasetError(f'none of {seen} moments was seen by two cameras (there are the '
                               f'cameras {dataset.metainfo["views"]}): there are no pairs')
        if len(usable) < seen:
            print_log(f'{seen - len(usable)} of {seen} moments were seen by one camera alone, and '
                      'are left out of pairs', 'current')
        clip, frame, subject = (values[usable] for values in dataset.moments)
        plans = [self._plan(usable[subject == who], clip[subject == who], frame[subject == who])
                 for who in subject.unique()]
        kept = [plan for plan in plans if plan.pairs > 1]
        if not kept:
            raise DatasetError(f'nobody has two moments {self.min_gap} frames apart for each rank: '
                               'a smaller min_gap, or more frames')
        fewer = [plan.pairs for plan in kept if plan.pairs < self.pairs]
        if fewer or len(kept) < len(plans):
            print_log(f'of {len(plans)} people {len(fewer)} have too few moments at least '
                      f'{self.min_gap} frames apart for {self.pairs} pairs, their batches have '
                      f'from {min(fewer, default=0)} on; {len(plans) - len(kept)} are left out',
                      'current')
        return kept

    def _plan(self, moments: Tensor, clip: Tensor, frame: Tensor) -> _Plan:
        steps = frame.diff()[clip.diff() == 0]
        least = int(steps.min()) if len(steps) else self.min_gap
        classes = math.ceil(self.min_gap / least)
        ranks = self.sampler.world_size
        pairs = min(self.pairs, len(moments) // classes // ranks)
        return _Plan(moments, classes, pairs,
                     max(1, round(len(moments) / (pairs * ranks))) if pairs else 0)

    def __len__(self) -> int:
        return self.num_batches

    def __iter__(self) -> Iterator[Tensor]:
        generator = torch.Generator()
        generator.manual_seed(self.sampler.seed + self.sampler.epoch)
        pairs = [batch for plan in self.plans for batch in self._pairs(plan, generator)]
        order = torch.randperm(self.num_batches, generator=generator).tolist()
        labelled = self._regression(generator)
        for place, step in enumerate(order):
            own = pairs[step] if self.plans else torch.arange(0)
            yield torch.cat([own, labelled[place]])

    def _regression(self, generator: torch.Generator) -> Tensor:
        """This rank's labelled rows of all steps, ``(steps, n)``."""
        ranks = self.sampler.world_size
        count = self.num_batches * ranks * self.regression
        rounds = math.ceil(count / max(1, len(self.labelled)))
        order = [self.labelled[torch.randperm(len(self.labelled), generator=generator)]
                 for _ in range(rounds)]
        rows = torch.cat([self.labelled[:0], *order])[:count]
        return rows.reshape(self.num_batches, ranks, self.regression)[:, self.sampler.rank]

    def _pairs(self, plan: _Plan, generator: torch.Generator) -> Tensor:
        """This rank's rows of all batches of one person, ``(batches, 2 m)``."""
        ranks = self.sampler.world_size
        moments = self._moments(plan, generator)
        views = self.views[moments]  # (batches, ranks * m, V)
        chance = torch.rand(views.shape, generator=generator).masked_fill(views < 0, -1.)
        rows = views.gather(-1, chance.topk(2, -1).indices)
        return rows.unflatten(1, (ranks, plan.pairs))[:, self.sampler.rank].flatten(1)

    def _moments(self, plan: _Plan, generator: torch.Generator) -> Tensor:
        """Moments of all batches of one person, of all ranks together, ``(batches, ranks * m)``.

        Clips are lined up in random order and every `classes`-th moment of the line is taken: so
        two of one clip are at least `min_gap` frames apart, and all classes are of one size.
        """
        size = self.sampler.world_size * plan.pairs
        clip = self.sampler.dataset.moments.clip[plan.moments]
        shuffled = torch.randperm(int(clip.max()) + 1, generator=generator)[clip]
        line = plan.moments[shuffled.argsort(stable=True)]
        start = torch.rand((), generator=generator).item()
        places = (torch.arange(plan.batches) + start) * len(line) / plan.batches
        sizes = torch.tensor([len(line[first::plan.classes]) for first in range(plan.classes)])
        wanted = torch.searchsorted(sizes.cumsum(0), places, right=True).clamp_max(
            plan.classes - 1).bincount(minlength=plan.classes)
        out = []
        for first in wanted.nonzero()[:, 0].tolist():
            members = line[first::plan.classes]
            members = members[torch.randperm(len(members), generator=generator)]
            count = int(wanted[first]) * size
            out.append(members[torch.arange(count) % len(members)].reshape(-1, size))
        return torch.cat(out)
