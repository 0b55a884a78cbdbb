"""What hooks share that keep some of a validation's or test's outputs and draw them at its end."""
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from torch import Tensor

from mmviewpose.engine.hooks.lifting_picture_hook import now

MOST_BATCHES, OF_A_BATCH = 64, 64   # whose features are kept, and how many of a batch
MOST_COLORS = 12    # labels that an embedding tells apart
Found = Dict[str, Tensor]


class EvenSample:
    """Some of a stream whose length nobody knows, evenly over what came so far.

    Args:
        most: At most two times as many less one are kept.
    """

    def __init__(self, most: int) -> None:
        self.most, self.step, self.seen = most, 1, 0
        self.kept: List[Any] = []

    def offer(self, make: Callable[[], Any]) -> None:
        """Keep what ``make()`` gives if it is its turn."""
        if self.seen % self.step == 0:
            self.kept.append(make())
        self.seen += 1
        if len(self.kept) == 2 * self.most:
            self.kept, self.step = self.kept[::2], 2 * self.step


class PicturesHook(Hook):
    """Keeps some of the outputs, if they are of the right kind, and draws them when all are there.

    Outputs of other models are passed over. Only rank 0 draws, what it predicted itself. A picture
    that cannot be drawn is a warning in the log, never the end of a run.

    Args:
        enable: Draw in tests.
        out_dir: Folder of the pictures; the run's log folder by default.
    """

    # Behind what a config may do to the outputs.
    priority = 'LOWEST'
    needed: Sequence[str] = ()      # entries without which outputs are another model's

    def __init__(self, enable: bool = False, out_dir: Optional[str] = None) -> None:
        self.enable, self.out_dir = enable, out_dir
        self.forget()

    def forget(self) -> None:
        """Begin afresh."""
        raise NotImplementedError

    def keep(self, batch_idx: int, data_batch: Any, found: Mapping[str, Tensor]) -> None:
        """Keep some of a batch's prediction."""
        raise NotImplementedError

    @property
    def empty(self) -> bool:
        """Whether nothing was kept."""
        raise NotImplementedError

    def draw(self, runner, mode: str) -> None:
        """Draw all that there is after a ``mode``, ``'val'`` or ``'test'``."""
        raise NotImplementedError

    def before_val_epoch(self, runner) -> None:
        """Begin afresh."""
        self.forget()

    before_test_epoch = before_val_epoch

    def after_val_iter(self, runner, batch_idx: int, data_batch: Any = None,
                       outputs: Optional[Sequence] = None) -> None:
        """Keep some of the batch."""
        found = outputs[0] if outputs else None
        if (is_main_process() and isinstance(found, Mapping)
                and all(key in found for key in self.needed)):
            self.keep(batch_idx, data_batch, found)

    def after_val_epoch(self, runner, metrics: Optional[dict] = None) -> None:
        """Draw."""
        self.draw(runner, 'val')

    def after_test_iter(self, runner, batch_idx: int, data_batch: Any = None,
                        outputs: Optional[Sequence] = None) -> None:
        """As in validation, if asked to draw."""
        if self.enable:
            self.after_val_iter(runner, batch_idx, data_batch, outputs)

    def after_test_epoch(self, runner, metrics: Optional[dict] = None) -> None:
        """Draw, if asked to."""
        if self.enable:
            self.draw(runner, 'test')

    def draw_each(self, runner, mode: str, *actions: Callable) -> None:
        """Call ``action(runner, dataset, folder)``, which gives a path, for each picture."""
        if self.empty or not is_main_process():
            return
        dataset = getattr(runner, f'{mode}_dataloader').dataset
        for action in actions:
            try:
                path = action(runner, dataset, Path(self.out_dir or runner.log_dir))
            except Exception as e:
                runner.logger.warning(f'a picture was not drawn: {type(e).__name__}: {e}')
            else:
                runner.logger.info(f'picture: {path}')


def in_words(numbers: Tensor, words: Sequence[str]) -> List[Union[str, int]]:
    """What numbers stand for; those that stand for nothing as they are."""
    return [words[number] if 0 <= number < len(words) else number for number in numbers.tolist()]


def named(numbers: Tensor, dataset: Any, label: str) -> List[str]:
    """What the numbers of a label are called: by words, or as ``subject 7``."""
    return [kind if isinstance(kind, str) else f'{label} {kind}'
            for kind in in_words(numbers, label_words(dataset, label))]


def label_words(dataset: Any, label: str) -> Sequence[str]:
    """What a data set's label stands for, if it says that."""
    metainfo = getattr(dataset, 'metainfo', None) or {}
    words = metainfo.get('label_names', {}).get(label)
    return words or (metainfo.get('classes', ()) if label == 'label' else ())


def some_rows(found: Mapping[str, Tensor], keys: Sequence[str],
              rows: Union[slice, Tensor]) -> Found:
    """Copies of rows of some entries on the CPU, so that the batch is freed; real numbers as
    float32."""
    some = {key: found[key][rows].detach() for key in keys if key in found}
    return {key: value.to('cpu', torch.float32 if value.is_floating_point() else value.dtype,
                          copy=True) for key, value in some.items()}


def joined(parts: Sequence[Found]) -> Found:
    """All rows of some parts."""
    return {key: torch.cat([part[key] for part in parts]) for key in parts[0]}


def frequent(parts: Found, label: str) -> Tuple[Found, str]:
    """Rows of the most frequent labels, as many as there are colours, and words for that; all rows
    where nothing has the label."""
    if label not in parts:
        return parts, ''
    kinds, count = parts[label].unique(return_counts=True)
    if len(kinds) <= MOST_COLORS:
        return parts, ''
    often = kinds[count.argsort(descending=True, stable=True)[:MOST_COLORS]]
    kept = torch.isin(parts[label], often)
    return ({key: value[kept] for key, value in parts.items()},
            f', {MOST_COLORS} of {len(kinds)} kinds of {label}')


def when(runner) -> str:
    """How far training is, if it runs."""
    return f' ({now(runner)})' if getattr(runner, 'iter', 0) else ''
