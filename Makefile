# Needs Python 3.9 or newer and a package index. PYTHON=python3.11 picks the interpreter;
# UV_TORCH_BACKEND=cpu keeps CUDA's libraries out of the download.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: env demo test clean

env: $(VENV)/.ready

$(VENV)/.ready: setup.cfg pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade uv
	$(BIN)/uv pip install --python $(BIN)/python -e '.[stack,test]' $(UV_EXTRA)
	touch $@

clean:
	rm -rf $(VENV) work_dirs
