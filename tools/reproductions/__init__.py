"""The experiments behind the published figures, one module a name of ``tools/reproduce.py``."""
