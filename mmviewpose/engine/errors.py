"""Turning what a user can mend into one line instead of a traceback."""
import contextlib
import difflib
import inspect
import os
import re
import sys
from typing import Iterator, List, Optional

from mmengine import registry as root
from torch import nn

from mmviewpose.errors import DatasetError, UserError

_NOT_REGISTERED = re.compile(r'(\S+) is not in the (\S+)::(.+?) registry')
_BUILT = re.compile(r'class `(\w+)` in \S+\.py: ')
_UNEXPECTED = re.compile(r"(?:(\w+)\.)?__init__\(\) got an unexpected keyword argument '(\w+)'")
_MISSING = re.compile(r"(?:(\w+)\.)?__init__\(\) missing \d+ required .*argument")


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Leave the process with one line on errors that a user can mend.

    Covers :class:`UserError`, :class:`~mmviewpose.errors.DatasetError`, names that no registry
    has, arguments that a class does not take and values that it refuses; and an interruption from the keyboard. Other
    errors are bugs and keep their traceback. ``MMVIEWPOSE_TRACEBACK=1`` shows all tracebacks.
    """
    try:
        yield
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        message = explain(error)
        if message is None or os.environ.get('MMVIEWPOSE_TRACEBACK'):
            raise
        print(f'error: {message}', file=sys.stderr)
        sys.exit(1)


def explain(error: BaseException) -> Optional[str]:
    """One line on what to mend, or None when the error is not a user's."""
    text = str(error.args[0]) if error.args else str(error)
    if isinstance(error, (UserError, DatasetError)):
        return _BUILT.sub('', ' '.join(text.split()))
    found = _NOT_REGISTERED.search(text)
    if isinstance(error, KeyError) and found:
        return _unknown_type(*found.groups())
    if isinstance(error, (ValueError, KeyError)) and ' ' in text and _class_built(error):
        return f'config: {_class_built(error)}: {_BUILT.sub("", text)}'
    found = _UNEXPECTED.search(text)
    if isinstance(error, TypeError) and found:
        built = _BUILT.findall(text)
        return _unknown_argument(built[-1] if built else found.group(1) or _class_called(error),
                                 found.group(2))
    if isinstance(error, TypeError) and _MISSING.search(text):
        return 'config: ' + _BUILT.sub('', text).replace('__init__()', 'the config')
    return None


def _class_built(error: BaseException) -> Optional[str]:
    """The innermost class whose constructor a registry called and that raised the error."""
    found, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_name == 'build_from_cfg':
            built = frame.tb_frame.f_locals.get('obj_cls')
            found = built.__name__ if inspect.isclass(built) else None
        frame = frame.tb_next
    return found


def _class_called(error: BaseException) -> Optional[str]:
    """The class that mmengine was building; Python 3.9 leaves its name out of the message."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    found = frame.tb_frame.f_locals.get('obj_cls') if frame is not None else None
    return found.__name__ if inspect.isclass(found) else None


def _tree(node: root.Registry) -> Iterator[root.Registry]:
    yield node
    for child in node.children.values():
        yield from _tree(child)


def _root_nodes() -> Iterator[root.Registry]:
    return (node for node in vars(root).values() if isinstance(node, root.Registry))


def registered_names(kind: str) -> List[str]:
    """All names of the registries called ``kind``, ours plain, the hosts' with their prefix."""
    names = []
    for top in _root_nodes():
        if top.name != kind:
            continue
        for node in _tree(top):
            prefix = '' if node.scope in ('mmviewpose', 'mmengine') else f'{node.scope}.'
            names += [f'{prefix}{name}' for name in node.module_dict]
    return sorted(set(names))


def _unknown_type(name: str, scope: str, kind: str) -> str:
    names = registered_names(kind)
    plain = {candidate.split('.')[-1].lower(): candidate for candidate in names}
    # a part of our own before one of a host's of the same name
    plain.update({candidate.lower(): candidate for candidate in names if '.' not in candidate})
    close = difflib.get_close_matches(name.split('.')[-1].lower(), plain, n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(repr(plain[c]) for c in close)}?" if close else ''
    return f"config: no {kind} called '{name}' is registered{hint}"


def _find_class(name: str) -> Optional[type]:
    for top in _root_nodes():
        for node in _tree(top):
            for found in node.module_dict.values():
                if inspect.isclass(found) and found.__name__ == name:
                    return found
    return next((found for found in _subclasses(nn.Module) if found.__name__ == name), None)


def _subclasses(parent: type) -> Iterator[type]:
    for child in parent.__subclasses__():
        yield child
        yield from _subclasses(child)


def _unknown_argument(class_name: Optional[str], argument: str) -> str:
    found = _find_class(class_name) if class_name else None
    names = [] if found is None else [
        name for base in found.__mro__ if '__init__' in vars(base)
        for name in inspect.signature(base.__init__).parameters
        if name not in ('self', 'args', 'kwargs')]
    close = difflib.get_close_matches(argument, names, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ''
    if not hint and names:
        hint = f"; it takes: {', '.join(dict.fromkeys(names))}"
    return f"config: {class_name or 'a part'} takes no argument '{argument}'{hint}"
