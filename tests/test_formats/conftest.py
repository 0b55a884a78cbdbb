"""Small files in the published formats, made up here."""
import json
import pickle

import numpy as np
import pytest

from mmviewpose.datasets.formats.cmu import BONES

CMU_PARENTS = dict(
    lhipjoint='root', lfemur='lhipjoint', ltibia='lfemur', lfoot='ltibia', ltoes='lfoot',
    lowerback='root', upperback='lowerback', thorax='upperback', lowerneck='thorax',
    upperneck='lowerneck', head='upperneck', lclavicle='thorax', lhumerus='lclavicle',
    lradius='lhumerus', lwrist='lradius', lhand='lwrist', lfingers='lhand', lthumb='lwrist')
CMU_PARENTS.update({'r' + b[1:]: ('r' + p[1:] if p[0] == 'l' and p[1:] in (
    'hipjoint', 'femur', 'tibia', 'foot', 'clavicle', 'humerus', 'radius', 'wrist', 'hand') else p)
    for b, p in list(CMU_PARENTS.items()) if b[0] == 'l' and not b.startswith('lower')})
CMU_DOFS = {b: ('rx', 'ry', 'rz') for b in BONES[1:]}
CMU_DOFS.update(lhipjoint=(), rhipjoint=(), ltibia=('rx',), rtibia=('rx',), lwrist=('ry',),
                rwrist=('ry',), lfoot=('rx', 'rz'), rfoot=('rx', 'rz'), lclavicle=('ry', 'rz'),
                rclavicle=('ry', 'rz'))


def make_cmu(seed=0, frames=4):
    """Random bones and motion: {'bones': {name: (direction, length, axis)}, 'motion': {...}}."""
    rng = np.random.default_rng(seed)
    bones = {}
    for name in BONES[1:]:
        direction = rng.normal(size=3)
        bones[name] = (direction / np.linalg.norm(direction), rng.uniform(.5, 7),
                       rng.uniform(-90, 90, size=3))
    motion = {'root': np.concatenate([rng.normal(scale=20, size=(frames, 3)),
                                      rng.uniform(-180, 180, (frames, 3))], axis=1)}
    motion.update({n: rng.uniform(-120, 120, (frames, len(CMU_DOFS[n])))
                   for n in BONES[1:] if CMU_DOFS[n]})
    return dict(bones=bones, motion=motion)


def write_asf(path, bones):
    lines = [':version 1.10', '# a comment', ':units', '  mass 1.0', '  length 0.45', '  angle deg',
             ':root', '  order TX TY TZ RX RY RZ', '  axis XYZ', '  position 0 0 0',
             '  orientation 0 0 0', ':bonedata']
    for number, (name, (direction, length, axis)) in enumerate(bones.items(), 1):
        lines += ['  begin', f'    id {number}', f'    name {name}',
                  '    direction ' + ' '.join(map(repr, map(float, direction))),
                  f'    length {float(length)!r}',
                  '    axis ' + ' '.join(map(repr, map(float, axis))) + '  XYZ']
        if CMU_DOFS[name]:
            lines += ['    dof ' + ' '.join(CMU_DOFS[name]), '    limits (-90 90)', '  (-9 9)']
        lines += ['  end']
    lines += [':hierarchy', '  begin']
    for parent in ('root', *bones):
        children = [c for c in bones if CMU_PARENTS[c] == parent]
        if children:
            lines.append('    ' + ' '.join([parent, *children]))
    path.write_text('\n'.join([*lines, '  end', '']))


def amc_lines(motion):
    lines = ['#!OML:ASF', ':FULLY-SPECIFIED', ':DEGREES']
    for frame in range(len(motion['root'])):
        lines.append(str(frame + 1))
        lines += [f'{name} ' + ' '.join(repr(float(v)) for v in values[frame])
                  for name, values in motion.items()]
    return lines


@pytest.fixture
def cmu_folder(tmp_path):
    """A function that writes SUBJECT/SUBJECT.asf and a take; gives (folder, data)."""

    def write(seed=0, frames=4, subject='07', trial='03', edit=lambda lines: lines):
        data = make_cmu(seed, frames)
        folder = tmp_path / 'subjects' / subject
        folder.mkdir(parents=True, exist_ok=True)
        write_asf(folder / f'{subject}.asf', data['bones'])
        text = '\n'.join(edit(amc_lines(data['motion'])))
        (folder / f'{subject}_{trial}.amc').write_text(text + '\n')
        return folder.parent, data

    return write


@pytest.fixture
def cmu_hierarchy():
    """(parents, dofs) by bone name."""
    return CMU_PARENTS, CMU_DOFS


@pytest.fixture
def nucla_folder(tmp_path):
    """A function that writes N-UCLA files: {name: (T, 20, 3) metres}; gives the folder."""

    def write(sequences):
        folder = tmp_path / 'all_sqe'
        folder.mkdir(exist_ok=True)
        for name, positions in sequences.items():
            data = dict(file_name=name, skeletons=np.asarray(positions).tolist(), label=1)
            (folder / f'{name}.json').write_text(json.dumps(data))
        return folder

    return write


def ntu_text(frames):
    """A .skeleton text; frames: per frame {body id: (25, 3)}."""
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for body, points in bodies.items():
            lines += [f'{body} 0 1 1 1 1 0 0.1 -0.2 2', str(len(points))]
            lines += [' '.join(repr(float(v)) for v in p) + ' 200.1 180.2 900.1 500.2 0.1 0.9 0 0 2'
                      for p in points]
    return '\n'.join(lines) + '\n'


@pytest.fixture
def ntu_folder(tmp_path):
    """A function that writes .skeleton files: {name: frames of `ntu_text`}; gives the folder."""

    def write(samples):
        folder = tmp_path / 'nturgb+d_skeletons'
        folder.mkdir(exist_ok=True)
        for name, frames in samples.items():
            (folder / f'{name}.skeleton').write_text(ntu_text(frames))
        return folder

    return write


@pytest.fixture
def pyskl_file(tmp_path):
    """A function that writes a pickle of annotations; gives its path."""

    def write(annotations, split=None):
        path = tmp_path / 'annotations.pkl'
        path.write_bytes(pickle.dumps(dict(split=split or {}, annotations=annotations)))
        return path

    return write


@pytest.fixture
def ape_folder(tmp_path):
    """A function that writes removeN folders; gives (root, {(n, split): (corrupted, clean)})."""

    def write(count=3, moved=(1, 2), flat=False, seed=0):
        rng, data = np.random.default_rng(seed), {}
        for n in moved:
            for split in ('train', 'test'):
                clean = rng.normal(scale=300, size=(count, 17, 3))
                corrupted = clean.copy()
                corrupted[:, :n] += 400
                folder = tmp_path / 'random_remove' / f'remove{n}' / split
                folder.mkdir(parents=True)
                for poses, suffix in ((corrupted, ''), (clean, '_gt')):
                    poses = poses.reshape(count, -1) if flat else poses
                    (folder / f'APE_{split}{suffix}.json').write_text(json.dumps(poses.tolist()))
                data[n, split] = corrupted, clean
        return tmp_path / 'random_remove', data

    return write
