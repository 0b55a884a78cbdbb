"""View-invariant human pose representation and label-efficient 3D human pose on OpenMMLab.

Importing the package alone is light; the edge rooms (``models``, ``datasets``, ``evaluation``,
``engine``) import :mod:`mmviewpose.compat` before they touch a host package.
"""
from .version import __version__

__all__ = ['__version__']
