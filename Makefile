# Commands for people and for CI. PYTHON chooses the interpreter of the environment (3.11 to 3.13).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
INSTALLED := $(VENV)/.installed
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: setup demo test test-fast check docs clean

setup: $(INSTALLED)

# torch comes first and pinned: an unpinned one pulls gigabytes of CUDA packages.
$(RUNTIME): constraints.txt
	@started=$$(date +%s); \
	echo "environment in $(VENV) ..."; \
	$(PYTHON) -m venv $(VENV) && \
	$(PIP) install -c constraints.txt torch && \
	$(PIP) install -c constraints.txt -e . && \
	touch $@ && \
	echo "environment: $$(( $$(date +%s) - started )) s"

$(INSTALLED): $(RUNTIME) pyproject.toml
	$(PIP) install -c constraints.txt -e '.[dev,formats,logs,export,app,docs]'
	@touch $@

# Everything in demo/, from videos to report, within ten minutes on two cores.
demo: $(RUNTIME)
	$(BIN)/keypointgan demo -o demo

# A worker a core, four at most: each needs 1.5 GB. What was skipped is said, and why.
test: $(INSTALLED)
	$(BIN)/pytest -rs -m 'not gpu' -n auto --maxprocesses 4 --dist worksteal

test-fast: $(INSTALLED)
	$(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The site, in site/; a broken link or reference is an error.
docs: $(INSTALLED)
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) demo site dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
