# Every target sets up what it needs. CI calls the same ones.
PYTHON ?= python3
PORT ?= 8642
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check bench format lock clean

run: $(VENV)/.runtime ## the playground in a browser: no account, no token
	$(BIN)/threadbridge playground --port $(PORT)

test: $(VENV)/.dev ## everything that CI checks
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/python -m pytest -n 4 --dist worksteal

check: $(VENV)/.dev ## the fast part: format, lint, types
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

bench: $(VENV)/.dev ## ratios, measured in one run
	$(BIN)/python -m benchmarks

format: $(VENV)/.dev
	$(BIN)/python -m ruff format .
	$(BIN)/python -m ruff check --fix .

lock: ## needs uv; writes hashes, never addresses
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --upgrade --quiet --output-file requirements.txt
	uv pip compile pyproject.toml --group build --group test --group lint --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --constraint requirements.txt --quiet \
	  --output-file requirements-dev.txt

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Threadbridge needs Python 3.11 or newer: set PYTHON=")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@
