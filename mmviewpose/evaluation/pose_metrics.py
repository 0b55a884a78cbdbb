"""Registered metrics over the errors of :mod:`mmviewpose.functional.pose_errors`."""
from functools import partial
from typing import Any, Dict, Optional, Sequence, Union

import numpy as np
import torch
from torch import Tensor

from ..functional import pose_errors
from ..registry import METRICS
from .base import BatchedMetric, Column

PLACE = ('clip', 'view', 'start')


@METRICS.register_module()
class PoseErrorMetric(BatchedMetric):
    """Errors of predicted 3D poses, overall and by group.

    The prediction is ``[dict(keypoints, target, index, ...)]``: poses ``(B, K, 3)`` or sequences
    ``(B, T, K, 3)`` in mm, and optionally ``mask`` ``(B, K)`` or ``(B, T, K)``, True for joints
    that count. Each error is averaged over the joints of a frame, then over all frames that have
    a joint that counts. It is computed in float64. Frames of different samples are never compared:
    a velocity is between two frames of one window that both count.

    =====================  ===================================  ==================
    mode                   error                                name of the result
    =====================  ===================================  ==================
    ``mpjpe``              distance                             ``MPJPE``
    ``n-mpjpe``            ... after scaling about the root     ``N-MPJPE``
    ``pa-mpjpe``           ... after proper alignment           ``PA-MPJPE``
    ``pa-mpjpe-reflect``   ... mirroring allowed                ``PA-MPJPE-reflect``
    ``mpjve``              frame-to-frame displacement, mm per  ``MPJVE``
                           frame
    ``pck3d``              % nearer than ``threshold``          ``PCK3D@150mm``
    ``auc``                mean % over 0 to ``threshold``       ``AUC@0-150mm``
    =====================  ===================================  ==================

    Args:
        modes: Which errors.
        group_by: Fields of the prediction, ``(B,)`` numbers or strings (number of corrupted
            joints, action, view). For each, results are added per group, ``MPJPE/action=3``, and
            their plain mean over groups, ``MPJPE/mean-over-action`` (how Human3.6M is reported).
            Numbers that stand for words come as these, ``MPJPE/action=Walking``, where the data
            set's ``metainfo`` has them (``label_names``, ``view_names``, ``clip_names``).
        threshold: Of PCK and AUC, mm.
        joints: Joint numbers to count; all by default. The alignment uses them alone.
        joint_set: What to call ``joints`` in the names of the results: ``MPJPE(limbs)``; their
            number by default: ``MPJPE(14 joints)``.
        root: Joint to put both poses' origin at first; by default they are compared as they are.
            ``n-mpjpe`` expects it, unless the poses are about their root already.
        pred_key: Field of the predicted poses; ``'input'`` gives the error of what went in.
        target_key: Field of the true poses.
        mask_key: Field of the mask, which may be absent.
        **kwargs: ``collect_device``, ``prefix``, ``collect_dir``.

    Attributes:
        frame_errors: Of the last evaluation, on rank 0: each error for each frame, ``(N, T)``, NaN
            where nothing counts; of ``MPJVE`` ``(N, T - 1)``; and beside them ``index``, the groups
            and where the prediction has them ``clip``, ``view`` and ``start``, ``(N,)``.
            ``tools/test.py --frames FILE.npz`` writes it.

    Raises:
        ValueError: If a mode is unknown or ``joints`` is empty.
    """

    def __init__(self,
                 modes: Sequence[str] = ('mpjpe', ),
                 group_by: Optional[Union[str, Sequence[str]]] = None,
                 threshold: float = 150.,
                 joints: Optional[Sequence[int]] = None,
                 joint_set: Optional[str] = None,
                 root: Optional[int] = None,
                 pred_key: str = 'keypoints',
                 target_key: str = 'target',
                 mask_key: str = 'mask',
                 **kwargs) -> None:
        groups = [group_by] if isinstance(group_by, str) else list(group_by or [])
        super().__init__([pred_key, target_key, mask_key, *groups, *PLACE], **kwargs)
        self.group_by, self.root = groups, root
        self.pred_key, self.target_key, self.mask_key = pred_key, target_key, mask_key
        if joints is not None and not len(joints):
            raise ValueError('joints is empty')
        self.joints = None if joints is None else list(joints)
        known = _errors(threshold)
        unknown = [mode for mode in modes if mode not in known]
        if unknown:
            raise ValueError(f'unknown modes {unknown}, known are {sorted(known)}')
        suffix = '' if joints is None else f'({joint_set or f"{len(joints)} joints"})'
        self.errors = {known[mode][0] + suffix: known[mode][1] for mode in modes}
        self.frame_errors: Dict[str, np.ndarray] = {}

    def optional_fields(self) -> Sequence[str]:
        """The mask, and where a window comes from unless it is a group."""
        return [self.mask_key, *(key for key in PLACE if key not in self.group_by)]

    def compute(self, results: Dict[str, Column]) -> Dict[str, float]:
        """All errors of the whole data set.

        Raises:
            ValueError: If the shapes of prediction, target and mask do not fit, or no joint of
                any frame counts.
        """
        pred, target, mask = self._poses(results)
        places = {key: self._words(key, results[key])
                  for key in ('index', *PLACE, *self.group_by) if key in results}
        metrics, frames = {}, {}
        for name, error in self.errors.items():
            values = error(pred, target, mask, reduction='sample')
            values = values.reshape(len(values), -1)  # (N, frames)
            counted = _counted(mask, values)
            if not counted.any():
                raise ValueError(f'{name}: there is no frame to measure, {self.mask_key!r} is '
                                 'False everywhere (a data set without 3D?)')
            frames[name] = values.masked_fill(~counted, float('nan')).numpy()
            metrics[name] = _mean(values, counted)
            for key in self.group_by:
                metrics.update(_by_group(name, key, places[key], values, counted))
        self.frame_errors = dict(places, **frames)
        return metrics

    def _words(self, key: str, column: Column) -> np.ndarray:
        """A label ``(N,)`` in the words that its numbers stand for, if there are such."""
        meta = self.dataset_meta or {}
        words = meta.get('label_names', {}).get(key) or meta.get(f'{key}_names')
        values = np.asarray(column)
        return values if words is None or values.dtype.kind in 'US' else np.array(words)[values]

    def _poses(self, results: Dict[str, Column]):
        pred, target = results[self.pred_key].double(), results[self.target_key].double()
        mask = results.get(self.mask_key)
        if pred.shape != target.shape or pred.dim() not in (3, 4) or pred.shape[-1] != 3:
            raise ValueError(f'{self.pred_key!r} and {self.target_key!r} must both be (B, K, 3) or '
                             f'(B, T, K, 3), got {tuple(pred.shape)} and {tuple(target.shape)}')
        if mask is not None:
            if mask.shape != pred.shape[:-1]:
                raise ValueError(f'{self.mask_key!r} must be {tuple(pred.shape[:-1])}, got '
                                 f'{tuple(mask.shape)}')
            mask = mask.bool()
        if self.root is not None:
            pred = pred - pred[..., self.root, None, :]
            target = target - target[..., self.root, None, :]
        if self.joints is not None:
            pred, target = pred[..., self.joints, :], target[..., self.joints, :]
            mask = None if mask is None else mask[..., self.joints]
        return pred, target, mask


def _errors(threshold: float) -> Dict[str, Any]:
    """(name of the result, function) by mode."""
    return {
        'mpjpe': ('MPJPE', pose_errors.mpjpe),
        'n-mpjpe': ('N-MPJPE', pose_errors.n_mpjpe),
        'pa-mpjpe': ('PA-MPJPE', pose_errors.pa_mpjpe),
        'pa-mpjpe-reflect': ('PA-MPJPE-reflect',
                             partial(pose_errors.pa_mpjpe, allow_reflection=True)),
        'mpjve': ('MPJVE', pose_errors.velocity_error),
        'pck3d': (f'PCK3D@{threshold:g}mm', partial(pose_errors.pck3d, threshold=threshold)),
        'auc': (f'AUC@0-{threshold:g}mm', partial(pose_errors.auc, limit=threshold)),
    }


def _counted(mask: Optional[Tensor], values: Tensor) -> Tensor:
    """Which of the values ``(N, frames)`` had a joint that counts."""
    if mask is None:
        return torch.ones_like(values, dtype=torch.bool)
    mask = mask.reshape(len(mask), -1, mask.shape[-1])
    if mask.shape[1] == values.shape[1] + 1:  # displacements, one fewer than frames
        mask = mask[:, 1:] & mask[:, :-1]
    return mask.any(-1)


def _mean(values: Tensor, counted: Tensor) -> float:
    # not nanmean: a NaN prediction must not look better than a poor one
    return values[counted].mean().item()


def _by_group(name: str, key: str, groups: np.ndarray, values: Tensor,
              counted: Tensor) -> Dict[str, float]:
    metrics = {}
    for label in np.unique(groups):
        rows = torch.from_numpy(groups == label)
        if counted[rows].any():
            metrics[f'{name}/{key}={label}'] = _mean(values[rows], counted[rows])
    if metrics:
        metrics[f'{name}/mean-over-{key}'] = sum(metrics.values()) / len(metrics)
    return metrics
