# Needs Python 3.9 or newer and a package index. PYTHON=python3.11 picks the interpreter;
# UV_TORCH_BACKEND=cpu keeps CUDA's libraries out of the download.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=

.PHONY: env demo test clean

env: $(VENV)/.ready

demo: env
	$(BIN)/python tools/demo.py

# pytest's exit status stands: 5 says that no test ran
test: env
	$(BIN)/python -m pytest -q --durations=15 $(PYTEST_ARGS)

# A folder that holds an environment already is kept, and what changed is installed into it.
$(VENV)/.ready: setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 9))' || \
	  { echo "$(PYTHON) is missing or older than 3.9; make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV) || \
	  { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment (on Debian and Ubuntu:" \
	    "apt install python3-venv); or give another: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Setting up $(VENV): torch is a large download, a minute or more"
	@test -x $(BIN)/uv || $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --python $(BIN)/python -e '.[stack,test]' $(UV_EXTRA)
	@touch $@

clean:
	rm -rf $(VENV) work_dirs .pytest_cache
