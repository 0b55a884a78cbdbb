#!/usr/bin/env python
"""How similar the poses are that an embedding retrieves from other views (mcss, Sec. 6).

    python tools/analysis/retrieval.py EMBEDDINGS.npz --out figures --json retrieval.json

EMBEDDINGS.npz holds, of any embedding, `embedding` (N, D), `pose` (N, J, 3) in mm, `view` (N,) and
`subject` (N,), as RetrievalMetric's `out_file` writes them; and, if there is to be a sheet of
pictures, `images` (N, 3, S, S) or (N, S, S, 3) of bytes. PA-MPJPE does not mind how poses are
turned; Fig. 6 does, and wants canonical ones about their root.
"""
import argparse
import math
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

SHEET = 6       # queries of the sheet
NEAREST = 5     # pictures beside each
BINS = 12       # of Fig. 6
TSNE_POINTS = 2000  # images shown by t-SNE: some seconds
# array: what it must be, its number of axes and the kinds of its numbers
ARRAYS = dict(embedding=('numbers (N, D)', 2, 'iuf'), pose=('numbers (N, J, 3)', 3, 'iuf'),
              view=('whole numbers or words (N,)', 1, 'iuU'),
              subject=('whole numbers or words (N,)', 1, 'iuU'))


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('embeddings', metavar='EMBEDDINGS.npz')
    parser.add_argument('--json', metavar='FILE', help='file to write the numbers to')
    parser.add_argument('--out', metavar='FOLDER', help='folder to write figures to')
    parser.add_argument('--ks', type=int, nargs='+', default=[1, 2, 5, 10, 20], metavar='K',
                        help='numbers of neighbours (default: 1 2 5 10 20)')
    parser.add_argument('--threshold', type=float, default=50., metavar='MM',
                        help='of Hit@k, PA-MPJPE in mm (default: %(default)g)')
    parser.add_argument('--oracle-queries', type=int, default=500, metavar='N',
                        help='queries drawn for the oracle (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='of the draws (default: %(default)s)')
    return parser.parse_args(argv)


def read_embeddings(path: str) -> Dict[str, Any]:
    """The arrays of a file, ``images`` as ``(N, S, S, 3)`` if there are any.

    Raises:
        UserError: Something is missing or broken; names the file and the array.
    """
    import zipfile

    import numpy as np

    from mmviewpose.errors import UserError
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in (*ARRAYS, 'images') if name in file.files}
    except FileNotFoundError:
        raise UserError(f'{path}: there is no such file') from None
    except ValueError:  # numpy advises to allow pickles
        raise UserError(f'{path}: not an .npz of plain arrays') from None
    except (OSError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f'{path}: not an .npz of plain arrays ({error})') from None
    for name, (kind, axes, numbers) in ARRAYS.items():
        if name not in arrays:
            raise UserError(f"{path}: there is no array '{name}', {kind}")
        array = arrays[name]
        if array.ndim != axes or array.dtype.kind not in numbers or (
                name == 'pose' and array.shape[2] != 3):
            raise UserError(f"{path}: '{name}' must be {kind}, is {array.dtype} {array.shape}")
        _check_rows(path, name, array, len(arrays['embedding']))
    if 'images' in arrays:
        arrays['images'] = _pictures(path, arrays['images'])
        _check_rows(path, 'images', arrays['images'], len(arrays['embedding']))
    return arrays


def _check_rows(path: str, name: str, array, count: int) -> None:
    import numpy as np

    from mmviewpose.errors import UserError
    if len(array) != count or not count:
        raise UserError(f"{path}: '{name}' has {len(array)} rows, 'embedding' {count}")
    if array.dtype.kind == 'f':
        finite = np.isfinite(array).reshape(count, -1).all(1)
        if not finite.all():
            raise UserError(f"{path}: '{name}' is not finite in row {finite.argmin()}")


def _pictures(path: str, images):
    from mmviewpose.errors import UserError
    if images.ndim == 4 and images.dtype == 'uint8':
        if images.shape[3] == 3:
            return images
        if images.shape[1] == 3:
            return images.transpose(0, 2, 3, 1)
    raise UserError(f"{path}: 'images' must be bytes (N, 3, S, S) or (N, S, S, 3), is "
                    f'{images.dtype} {images.shape}')


def tensors(arrays: Dict[str, Any]) -> tuple:
    """Embeddings, poses, views and subjects; words are numbered."""
    import numpy as np
    import torch
    floats = [torch.from_numpy(arrays[name]) for name in ('embedding', 'pose')]
    labels = [torch.from_numpy(np.unique(arrays[name], return_inverse=True)[1])
              for name in ('view', 'subject')]
    return (*(values if values.is_floating_point() else values.double() for values in floats),
            *labels)


def measure(path: str, values: tuple, args: argparse.Namespace) -> Dict[str, Any]:
    """The cases of retrieval, with a bar while the oracle works.

    Raises:
        UserError: One view, or too few images for the largest k; names the file.
    """
    from tqdm import tqdm

    from mmviewpose.errors import UserError
    from mmviewpose.functional.retrieval import cross_view_retrieval
    if min(args.ks) < 1 or args.oracle_queries < 1:
        raise UserError('--ks and --oracle-queries start at 1')
    with tqdm(desc='oracle', unit=' queries', delay=2.) as bar:
        try:
            return cross_view_retrieval(*values, sorted(set(args.ks)), args.threshold,
                                        args.oracle_queries, args.seed, report=bar.update)
        except ValueError as error:
            hint = '; --ks takes other numbers of neighbours' if 'k is' in str(error) else ''
            raise UserError(f'{path}: {error}{hint}') from None


def table(cases: Dict[str, Any], threshold: float) -> str:
    """A line a k of each case."""
    lines = ['Mean-PA-MPJPE@k in mm: of the embedding, above the oracle; of the oracle and at '
             f'random; Hit@k at {threshold:g} mm in %',
             f'{"gallery":<8} {"k":>3} {"embedding":>10} {"relative":>9} {"oracle":>8} '
             f'{"random":>8} {"Hit@k":>7}']
    for name, case in cases.items():
        lines += [f'{name:<8} {k:>3} {case.mean[k]:>10.2f} {case.relative[k]:>9.2f} '
                  f'{case.oracle[k]:>8.2f} {case.random[k]:>8.2f} {case.hit[k]:>7.1f}'
                  for k in case.mean]
        drawn = f'{case.num_drawn} of {case.num_queries} queries'
    lines.append(f'relative, oracle and random: on {drawn}')
    return '\n'.join(lines)


def by_pose(values: tuple, seed: int):
    """Fig. 6 in bins of whole 5 mm up to the 99th percentile of a sample of pairs."""
    import torch

    from mmviewpose.functional.pose_errors import mpjpe
    from mmviewpose.functional.retrieval import distance_by_pose
    poses = values[1]
    first, second = torch.randint(len(poses), (2, 10000),
                                  generator=torch.Generator().manual_seed(seed))
    top = mpjpe(poses[first], poses[second], reduction='sample').double().quantile(.99).item()
    width = 5. * max(1, math.ceil(top / BINS / 5.))
    edges = [width * place for place in range(BINS + 1)]
    return distance_by_pose(*values, bins=edges, seed=seed)


def draw(folder: Path, arrays: Dict[str, Any], values: tuple, cases: Dict[str, Any], apart,
         seed: int) -> List[Path]:
    """All figures."""
    import torch

    from mmviewpose.errors import UserError
    from mmviewpose.functional.retrieval import nearest, pa_mpjpe_of
    from mmviewpose.visualization import (distance_by_pose_figure, embedding_figure,
                                          retrieval_curves, retrieval_sheet)
    names = dict(same='all subjects', cross='other subjects')
    paths = [
        retrieval_curves(
            {names[name]: case.relative for name, case in cases.items()},
            folder / 'retrieval.png',
            {names[name]: {k: value - case.oracle[k] for k, value in case.random.items()}
             for name, case in cases.items()}),
        distance_by_pose_figure(apart.edges, apart.same_view, apart.other_view,
                                folder / 'distance.png'),
        embedding_figure(arrays['embedding'], arrays['subject'], arrays['view'],
                         folder / 'embedding.png', ('subject', 'view'),
                         'Embeddings on their first two principal axes')]
    try:
        paths.append(embedding_figure(
            arrays['embedding'], arrays['subject'], arrays['view'], folder / 'tsne.png',
            ('subject', 'view'), 'Embeddings by t-SNE: neighbours stay together', TSNE_POINTS,
            'tsne'))
    except UserError as error:  # scikit-learn is not among what the package itself needs
        print(f'no tsne.png: {error}')
    if 'images' in arrays:
        embeddings, poses, view, _ = values
        drawn = torch.randperm(len(poses), generator=torch.Generator().manual_seed(seed))[:SHEET]
        most = int((view[drawn, None] != view).sum(1).min())
        _, indices = nearest(embeddings[drawn], embeddings, min(NEAREST, most),
                             [(view[drawn], view)])
        errors = pa_mpjpe_of(poses[drawn], poses, indices)
        paths.append(retrieval_sheet(arrays['images'], drawn.tolist(), indices, errors,
                                     folder / 'nearest.png', arrays['view']))
    else:
        print("no nearest.png: the file has no 'images'")
    return paths


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Read, measure, print, draw."""
    args = parse_args(argv)
    from mmviewpose.engine.errors import one_line_errors
    with one_line_errors():
        from mmviewpose.engine.files import write_json
        arrays = read_embeddings(args.embeddings)
        values = tensors(arrays)
        cases = measure(args.embeddings, values, args)
        print(table(cases, args.threshold))
        apart = by_pose(values, args.seed)
        if args.json:
            write_json(args.json, dict(
                file=args.embeddings, threshold=args.threshold, seed=args.seed,
                cases={name: case._asdict() for name, case in cases.items()},
                distance_by_pose={name: [None if value != value else value
                                         for value in column.tolist()]
                                  for name, column in apart._asdict().items()}))
        if args.out:
            for path in draw(Path(args.out), arrays, values, cases, apart, args.seed):
                print(path)
    return 0


if __name__ == '__main__':
    sys.exit(main())
