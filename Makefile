# Each target makes its own .venv from pyproject.toml and constraints.txt; only Python 3.11+, pip and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DOCS_STAMP := $(VENV)/.docs-installed

.PHONY: demo serve test quick lint types layers fast unit pages coverage chaos bench gpu docs clean

demo: $(STAMP)
	$(BIN)/python examples/demo.py

serve: $(STAMP)
	$(BIN)/segnas serve

# Under a minute on two quiet cores: types on the one, while the fast tests run on both. What only imports torch or Ray takes
# seconds in each process, so the tests of models, training and workers are left to `make test`.
quick: lint layers
	$(MAKE) --no-print-directory -j2 types fast

test: lint types layers unit

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

layers: $(STAMP)
	$(BIN)/lint-imports

fast: $(STAMP)
	$(BIN)/pytest -q -n 2 --dist loadfile --hypothesis-profile quick \
		--ignore tests/nas/models --ignore tests/nas/training --ignore tests/workers \
		-m "not slow and not ray and not postgres and not gpu and not chaos"

# What needs no Ray runs in two processes, each with one thread, as the tests that train expect nothing of threads. A Ray takes
# a machine for itself, so the tests that start one follow, one after the other.
unit: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --durations 10 -m "not chaos and not ray"
	$(BIN)/pytest --durations 10 -m "ray and not chaos"

# The pages in a real browser: Playwright (in the dev extra) starts the system's Chromium without a window. On Debian:
# apt-get install --no-install-recommends chromium. Without one these tests are skipped, here and in `make test`.
pages: $(STAMP)
	$(BIN)/pytest tests/api/static

# The tests of unit, half as slow again: Python 3.11 has no cheap way to follow lines.
coverage: $(STAMP)
	$(BIN)/pytest -m "not chaos" --cov --cov-report=term:skip-covered

chaos: $(STAMP)
	$(BIN)/pytest -m chaos --timeout 1800

bench: $(STAMP)
	$(BIN)/python -m benchmarks

# Where only torch, numpy, Pillow, pydantic and safetensors are installed, `python -m benchmarks.gpu` alone runs as well.
gpu: $(STAMP)
	$(BIN)/pytest -q -m gpu tests/nas
	$(BIN)/python -m benchmarks.gpu --minutes 7

docs: $(DOCS_STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[server,worker,dev]'
	@touch $@

$(DOCS_STAMP): $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@touch $@

clean:
	rm -rf $(VENV) demo build site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
