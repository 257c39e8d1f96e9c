# Each target makes its own .venv from pyproject.toml and constraints.txt; only Python 3.11+, pip and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo serve test lint types layers unit pages chaos bench clean

demo: $(STAMP)
	$(BIN)/python examples/demo.py

serve: $(STAMP)
	$(BIN)/segnas serve

test: lint types layers unit

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

layers: $(STAMP)
	$(BIN)/lint-imports

unit: $(STAMP)
	$(BIN)/pytest -m "not chaos"

# The pages in a real browser: Playwright (in the dev extra) starts the system's Chromium without a window. On Debian:
# apt-get install --no-install-recommends chromium. Without one these tests are skipped, here and in `make test`.
pages: $(STAMP)
	$(BIN)/pytest tests/api/static

chaos: $(STAMP)
	$(BIN)/pytest -m chaos --timeout 1800

bench: $(STAMP)
	$(BIN)/python -m benchmarks

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[server,worker,dev]'
	@touch $@

clean:
	rm -rf $(VENV) demo build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
