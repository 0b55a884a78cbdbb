"""Features of poses, from skeleton files or arrays.

    from mmviewpose.apis import pose_features
    features = pose_features('walk.amc')   # (T, 17, 16)

or, to write them to a file, ``python -m mmviewpose.apis.features walk.amc features.npz``.
"""
import argparse
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch

from mmviewpose.apis.encoder import load_encoder
from mmviewpose.datasets.formats import (SkeletonClip, bvh, cmu, h36m, ntu, nucla, pyskl,
                                         read_archive, to_layout, to_y_up)
from mmviewpose.datasets.formats.clip import masked_clip
from mmviewpose.engine.errors import one_line_errors
from mmviewpose.errors import DatasetError
from mmviewpose.files import atomic_path
from mmviewpose.models.backbones.sebirenet_encoder import PoseCode, SeBiReNetEncoder
from mmviewpose.skeletons import get_skeleton

BATCH = 8192
TOTAL_BONE_LENGTH = 3900.

PathLike = Union[str, Path]


def pose_features(source: Union[PathLike, np.ndarray],
                  layout: Optional[str] = None,
                  up: str = '+y',
                  checkpoint: Optional[Union[PathLike, SeBiReNetEncoder]] = None,
                  view: bool = False,
                  total_bone_length: Optional[float] = TOTAL_BONE_LENGTH,
                  device: str = 'cpu') -> Union[np.ndarray, Tuple[np.ndarray, np.ndarray]]:
    """View-invariant features h_vi of all poses of a skeleton file or an array.

    Poses are turned to y up, mapped to the encoder's layout, centred on their root and scaled.

    Args:
        source: A file: ``.amc`` (with its ``.asf`` beside it), ``.bvh``, ``.json`` (N-UCLA),
            ``.skeleton`` (NTU RGB+D, its main actor), ``.pkl`` (pyskl), ``.npz`` (an archive of
            ours or Human3.6M as in mmpose). The clips of a file that holds several follow one
            another. Or an array ``(T, K, 3)`` in mm.
        layout: Layout of an array, or of the joints of a .bvh or .pkl file of another origin
            than Bandai-Namco's and NTU's; see :mod:`mmviewpose.skeletons`.
        up: Axis that points up in an array: ``'+y'``, ``'+z'`` or ``'-y'`` (camera space).
        checkpoint: File of an exported encoder, or what :func:`load_encoder` gave; by default
            the encoder that ships with the package.
        view: Give h_v too.
        total_bone_length: Each clip is scaled to this sum of bone lengths (the median of its
            frames), mm; None leaves people their size. 3900 is an adult of the encoder's
            training data.
        device: Where to compute.

    Returns:
        h_vi ``(T, K, C)`` float32, ``(T, 17, 16)`` for the packaged encoder; with ``view`` also
        h_v ``(T, C, C)``. Frames that the reader masks (a zeroed or unfinite skeleton) are NaN.

    Raises:
        DatasetError: The file cannot be read.
        ValueError: An array without ``layout``, a layout that lacks joints of the encoder's, or
            ``view`` with an encoder that has no h_v.
        UserError: The checkpoint cannot be used.
    """
    encoder = (checkpoint if isinstance(checkpoint, SeBiReNetEncoder)
               else load_encoder(checkpoint)).to(device)
    if view and encoder.view_layer is None:
        raise ValueError('this encoder has no view-dependent feature')
    codes = [_encode(clip, encoder, total_bone_length)
             for clip in read_clips(source, layout, up)]
    view_invariant = np.concatenate([code.view_invariant for code in codes])
    if not view:
        return view_invariant
    return view_invariant, np.concatenate([code.view for code in codes])


def read_clips(source: Union[PathLike, np.ndarray], layout: Optional[str] = None,
               up: str = '+y') -> List[SkeletonClip]:
    """The clips of a file or an array; arguments and errors as in :func:`pose_features`."""
    if not isinstance(source, (str, Path)):
        if layout is None:
            raise ValueError('an array needs its layout, such as layout=\'coco17\'')
        return [masked_clip(np.asarray(source), file=None, name='array', layout=layout, up=up,
                            fps=0., labels={}, zero_joint_invalid=False)]
    path, options = Path(source), {} if layout is None else dict(layout=layout)
    readers: Dict[str, Callable[[], Sequence[SkeletonClip]]] = {
        '.amc': lambda: [cmu.read_take(path)],
        '.bvh': lambda: [bvh.read_take(path, **options)],
        '.json': lambda: [nucla.read_sequence(path)],
        '.skeleton': lambda: ntu.read_file(path),
        '.pkl': lambda: pyskl.read_file(path, **options),
        '.npz': lambda: h36m.read_file(path) if _is_h36m(path) else read_archive(path).clips(),
    }
    if path.suffix.lower() not in readers:
        raise DatasetError(f'no reader for {path.suffix or "such"} files; there are '
                           f'{", ".join(readers)}', file=path)
    return list(readers[path.suffix.lower()]())


def _is_h36m(path: Path) -> bool:
    try:
        with np.load(path, allow_pickle=False) as content:
            return 'imgname' in content.files
    except Exception:  # the archive's reader says what is wrong
        return False


def _encode(clip: SkeletonClip, encoder: SeBiReNetEncoder,
            total_bone_length: Optional[float]) -> PoseCode:
    """The code of a clip as arrays, NaN for masked frames."""
    tree = get_skeleton(encoder.skeleton)
    positions = to_layout(to_y_up(clip), tree.name).positions
    poses = positions[clip.valid] - positions[clip.valid, tree.root:tree.root + 1]
    if total_bone_length is not None and len(poses):
        child, parent = np.transpose(tree.bones)
        length = np.linalg.norm(poses[:, child] - poses[:, parent], axis=-1).sum(-1)
        poses = poses * np.float32(total_bone_length / max(np.median(length), 1e-6))
    device = next(encoder.parameters()).device
    with torch.no_grad():
        parts = [encoder(batch.to(device)) for batch in torch.from_numpy(poses).split(BATCH)]
    return PoseCode(*(None if part[0] is None else _spread(part, clip.valid)
                      for part in zip(*parts)))


def _spread(parts: Sequence[torch.Tensor], valid: np.ndarray) -> np.ndarray:
    values = torch.cat(list(parts)).cpu().numpy()
    out = np.full((len(valid), *values.shape[1:]), np.nan, np.float32)
    out[valid] = values
    return out


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Write the features of a file to an .npz: ``view_invariant``, and ``view`` where the encoder
    has it."""
    parser = argparse.ArgumentParser(prog='python -m mmviewpose.apis.features',
                                     description='Pose features of a skeleton file')
    parser.add_argument('file', help='.amc, .bvh, .json (N-UCLA), .skeleton, .pkl or .npz')
    parser.add_argument('out', help='.npz to write')
    parser.add_argument('--layout', help="layout of a .bvh's or .pkl's joints")
    parser.add_argument('--checkpoint', help='exported encoder (default: the packaged one)')
    parser.add_argument('--keep-size', action='store_true',
                        help='do not scale people to the size of the training data')
    parser.add_argument('--device', default='cpu')
    args = parser.parse_args(argv)
    with one_line_errors():
        encoder = load_encoder(args.checkpoint)
        features = pose_features(
            args.file, args.layout, checkpoint=encoder, view=encoder.view_layer is not None,
            total_bone_length=None if args.keep_size else TOTAL_BONE_LENGTH, device=args.device)
        names = ('view_invariant', 'view') if isinstance(features, tuple) else ('view_invariant', )
        arrays = dict(zip(names, features if isinstance(features, tuple) else (features, )))
        with atomic_path(args.out) as temporary:
            with open(temporary, 'wb') as file:
                np.savez(file, **arrays)
    print(f'{args.out}: ' + ', '.join(f'{key} {value.shape}' for key, value in arrays.items()))


if __name__ == '__main__':
    main()
