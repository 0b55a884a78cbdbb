"""``python -m mmviewpose.doctor``: what is installed, what is missing, and what to do about it."""
import importlib
import importlib.metadata
import platform
import sys
import warnings
from typing import List, NamedTuple, Optional

REQUIRED = {  # distribution: what it is for
    'torch': 'everything',
    'numpy': 'everything',
    'mmengine': 'configs, registries and training',
}
HOSTS = {  # distributions, of which one will do: what it is for
    ('mmcv', 'mmcv-lite'): 'mmpose and mmaction2',
    ('mmdet', ): 'mmpose and mmaction2, which import it',
    ('mmpose', ): 'lifters and 2D pose models',
    ('mmaction2', ): 'action recognition',
    ('opencv-python', 'opencv-contrib-python', 'opencv-contrib-python-headless',
     'opencv-python-headless'): 'mmcv',
    ('pycocotools', ): 'mmdet, and in place of xtcocotools for mmpose',
}
OPTIONAL = ('mmaction2', )
# pip fails on a dependency of mmpose that nothing imports, and would bring mmaction2's own OpenCV
WITHOUT_DEPENDENCIES = ('mmpose', 'mmaction2')
IMPORTS = ('mmviewpose.models', 'mmviewpose.datasets', 'mmviewpose.evaluation',
           'mmviewpose.engine', 'mmpose.models', 'mmpose.datasets', 'mmdet.models',
           'mmaction.models')


class Finding(NamedTuple):
    """One line of the report: ``level`` is ``'ok'``, ``'note'`` or ``'broken'``."""
    level: str
    text: str


def version_of(*names: str) -> Optional[str]:
    """``NAME VERSION`` of the first installed distribution among ``names``."""
    for name in names:
        try:
            return f'{name} {importlib.metadata.version(name)}'
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def check_versions() -> List[Finding]:
    """Installed distributions."""
    python = platform.python_version()
    findings = [Finding('ok', f'python {python} on {platform.system()} {platform.machine()}')
                if sys.version_info >= (3, 9) else
                Finding('broken', f'python {python}: 3.9 or newer is needed')]
    for names, purpose in [*(((name, ), why) for name, why in REQUIRED.items()), *HOSTS.items()]:
        found = version_of(*names)
        option = '--no-deps ' if names[-1] in WITHOUT_DEPENDENCIES else ''
        findings.append(Finding('ok', found) if found else Finding(
            'note' if names[0] in OPTIONAL else 'broken',
            f"{names[0]} is not installed; it is needed for {purpose}: "
            f"pip install {option}'{_pinned(names[-1])}'"))
    opencvs = [found for found in map(version_of, [
        name for names in HOSTS for name in names if name.startswith('opencv')]) if found]
    if len(opencvs) > 1:
        findings.append(Finding('note', f"{len(opencvs)} OpenCVs are installed over one another "
                                        f"({', '.join(opencvs)}): keep one"))
    setuptools = version_of('setuptools')
    if setuptools is None or int(setuptools.split()[1].split('.')[0]) >= 81:
        findings.append(Finding('note', f"{setuptools or 'no setuptools'}: pkg_resources, which "
                                "mmengine asks for paths, is gone; a stand-in takes its place. "
                                "pip install 'setuptools<81' brings it back"))
    if version_of('mmaction2') == 'mmaction2 1.2.0':
        findings.append(Finding('note', "mmaction2 1.2.0 from the index lacks a folder and does "
                                "not import: pip install --no-deps 'mmaction2==1.1.0'"))
    return findings


def _pinned(name: str) -> str:
    """The requirement as our metadata has it."""
    try:
        requirements = importlib.metadata.requires('mmviewpose') or []
    except importlib.metadata.PackageNotFoundError:
        requirements = []
    for requirement in requirements:
        text = requirement.split(';')[0].strip()
        if text.replace('<', '=').replace('>', '=').split('=')[0] == name:
            return text
    return name


def check_imports() -> List[Finding]:
    """Import what matters, with the stand-ins in place, and look at torch, numpy and mmcv."""
    findings = []
    try:
        compat = importlib.import_module('mmviewpose.compat')
    except Exception as error:  # noqa: BLE001
        return [Finding('broken', f'torch or numpy does not import: {_reason(error)}')]
    for name in IMPORTS:
        if name.startswith('mmaction.') and version_of('mmaction2') is None:
            continue
        findings.append(_try_import(name))
    findings += _look_at_torch()
    stand_ins = compat.stand_ins()
    if 'mmcv._ext' in stand_ins:
        findings.append(Finding('note', "mmcv has no compiled ops (mmcv-lite): nothing here calls "
                                "them; other models may, and then say so"))
    if 'xtcocotools' in stand_ins:
        findings.append(Finding('note', 'xtcocotools is absent or does not import: pycocotools '
                                'stands in for it; COCO evaluation is not available'))
    numpy = sys.modules.get('numpy')
    if numpy is not None and int(numpy.__version__.split('.')[0]) >= 2:
        findings.append(Finding('note', f'numpy {numpy.__version__}: a few transforms and metrics '
                                'of mmaction2 use names that numpy 2 removed (np.Inf, np.trapz) '
                                'and fail; none is used here'))
    return findings


def _try_import(name: str) -> Finding:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            importlib.import_module(name)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is what the user wants to know)
        remedy = ''
        if isinstance(error, ModuleNotFoundError):
            remedy = f'; install what provides {error.name!r}'
        return Finding('broken', f'import {name} fails: {_reason(error)}{remedy}')
    return Finding('ok', f'import {name}')


def _reason(error: Exception) -> str:
    return f'{type(error).__name__}: ' + ' '.join(str(error).split())[:300]


def _look_at_torch() -> List[Finding]:
    import torch
    findings = []
    if torch.cuda.is_available():
        names = {torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())}
        findings.append(Finding('ok', f'CUDA {torch.version.cuda}: {torch.cuda.device_count()} x '
                                      f"{', '.join(sorted(names))}"))
    elif torch.version.cuda:
        findings.append(Finding('note', f'torch is built for CUDA {torch.version.cuda} but finds '
                                'no GPU here: it runs on the CPU'))
    else:
        findings.append(Finding('note', 'torch is built for the CPU'))
    if not hasattr(torch.serialization, 'add_safe_globals'):
        findings.append(Finding('note', f'torch {torch.__version__}: weights_only loading cannot '
                                'be extended before 2.4; checkpoints load through an unpickler '
                                'of ours that trusts no more'))
    return findings


def main() -> int:
    """Print the report.

    Returns:
        0, or 1 when something that is needed is missing or broken.
    """
    sections = (('Versions', check_versions), ('Imports', check_imports))
    broken = 0
    for title, check in sections:
        print(title)
        for finding in check():
            mark = {'ok': '  ok    ', 'note': '  note  ', 'broken': '  BROKEN'}[finding.level]
            print(f'{mark} {finding.text}')
            broken += finding.level == 'broken'
    print('All that is needed is here.' if not broken else
          f'{broken} thing(s) to mend; `make env` makes an environment of its own that works.')
    return int(broken > 0)


if __name__ == '__main__':
    sys.exit(main())
