"""Imports go one way through the rooms (docs: the house)."""
import ast
import subprocess
import sys

import pytest

HOSTS = {'mmengine', 'mmcv', 'mmpose', 'mmaction', 'mmdet', 'xtcocotools'}
# room: rooms that it may import, besides itself
ALLOWED = {
    'version': set(),
    'errors': set(),
    'files': set(),
    'skeletons': {'errors'},
    'geometry': {'errors', 'skeletons'},
    'functional': {'errors', 'skeletons', 'geometry'},
    'layers': {'errors', 'skeletons', 'geometry', 'functional'},
    'rendering': {'errors', 'skeletons', 'geometry'},
}
FIRST = tuple(ALLOWED)
ALLOWED['compat'] = {'errors'}
ALLOWED['registry'] = {'errors', 'compat'}
_EDGE = {*FIRST, 'compat', 'registry'}
ALLOWED['models'] = _EDGE
ALLOWED['datasets'] = _EDGE - {'layers'}
ALLOWED['evaluation'] = _EDGE - {'layers'}
ALLOWED['engine'] = {'version', 'errors', 'compat', 'registry', 'evaluation', 'datasets', 'models',
                     'visualization', 'skeletons', 'rendering', 'files', 'functional'}
ALLOWED['visualization'] = {'errors', 'files', 'skeletons'}
ALLOWED['apis'] = {*ALLOWED}
ALLOWED['doctor'] = {*ALLOWED}
ALLOWED['__init__'] = {'version'}
THIRD_PARTY = {  # third parties that a room may import, where that is limited
    'version': set(),
    'errors': set(),
    'files': set(),
    'skeletons': {'numpy'},
    'geometry': {'torch', 'numpy'},
    'functional': {'torch', 'numpy'},
    'layers': {'torch', 'numpy'},
    'rendering': {'torch', 'numpy'},
    'visualization': {'numpy', 'matplotlib', 'mpl_toolkits', 'sklearn', 'torch'},
    'datasets/formats': {'numpy', 'tqdm'},
}
FORMATS_MAY = {'skeletons', 'errors', 'files', 'datasets'}


def _modules(root):
    package = root / 'mmviewpose'
    for path in sorted(package.rglob('*.py')):
        yield path.relative_to(package), ast.parse(path.read_text(encoding='utf-8'))


def _imports(path, tree):
    """Dotted names that a module imports; relative ones made absolute."""
    package = ('mmviewpose', *path.parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else ()
            name = '.'.join([*base, *([node.module] if node.module else [])])
            if name == 'mmviewpose':
                yield from ((node.lineno, f'mmviewpose.{alias.name}') for alias in node.names)
            else:
                yield node.lineno, name


def _wrong_arrows(path, tree):
    room = path.parts[0].replace('.py', '')
    formats = path.parts[:2] == ('datasets', 'formats')
    third = THIRD_PARTY.get('datasets/formats' if formats else room)
    for line, name in _imports(path, tree):
        parts = name.split('.')
        place = f'{path}:{line} imports {name}'
        if parts[0] == 'mmviewpose':
            target = parts[1] if len(parts) > 1 else '__init__'
            if target == '__version__':
                target = 'version'
            if target != room and target not in ALLOWED[room]:
                yield place
            if formats and (target not in FORMATS_MAY or (
                    target == 'datasets' and parts[1:3] != ['datasets', 'formats'])):
                yield place
        elif parts[0] in HOSTS and room in FIRST:
            yield place
        elif third is not None and parts[0] not in third and not _is_stdlib(parts[0]):
            yield place


def _is_stdlib(name):
    known = getattr(sys, 'stdlib_module_names', None)
    if known is not None:
        return name in known
    import importlib.util
    spec = importlib.util.find_spec(name)
    return spec is not None and 'site-packages' not in (spec.origin or '')


def test_no_wrong_arrows(root):
    modules = list(_modules(root))
    assert len(modules) > 10
    wrong = [arrow for path, tree in modules for arrow in _wrong_arrows(path, tree)]
    assert not wrong, '\n'.join(wrong)


def test_every_room_is_known(root):
    rooms = {path.parts[0].replace('.py', '') for path, _ in _modules(root)}
    assert rooms <= set(ALLOWED)


@pytest.mark.parametrize('source, room', [
    ('from mmviewpose.layers import x', 'functional/x.py'),
    ('from ..layers import x', 'functional/x.py'),
    ('import mmengine.registry', 'layers/x.py'),
    ('import pandas', 'datasets/formats/x.py'),
    ('from mmviewpose.registry import DATASETS', 'datasets/formats/x.py'),
    ('def f():\n    from mmviewpose import apis', 'models/x.py'),
])
def test_the_test_finds_wrong_arrows(source, room):
    from pathlib import PurePosixPath
    assert list(_wrong_arrows(PurePosixPath(room), ast.parse(source)))


def test_first_rooms_import_without_openmmlab(root):
    code = (
        'import sys\n'
        'class Block:\n'
        '    def find_spec(self, name, path=None, target=None):\n'
        f'        if name.split(".")[0] in {sorted(HOSTS)}:\n'
        '            raise ImportError("blocked: " + name)\n'
        'sys.meta_path.insert(0, Block())\n'
        'import importlib, pkgutil, mmviewpose\n'
        f'for room in {[room for room in FIRST if room != "version"]}:\n'
        '    module = importlib.import_module("mmviewpose." + room)\n'
        '    for found in pkgutil.walk_packages(getattr(module, "__path__", []),\n'
        '                                       module.__name__ + "."):\n'
        '        importlib.import_module(found.name)\n')
    done = subprocess.run([sys.executable, '-c', code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
