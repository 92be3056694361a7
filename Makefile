# One obvious command for each. While you work: make check. Before you push: make test, and make test-slow for what
# takes minutes. `make docs` writes what documents show of the code, `make lock` renews the lock files.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MINISTACK := .venv-ministack
SHELL_FILES := .ci/run bin/build bin/compile bin/detect bin/release $(wildcard lib/*.sh tests/slow/bench/ways/*.sh)

.PHONY: demo check test test-slow bench lint format docs lock clean

$(VENV)/.installed: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 10) else "$(PYTHON) is Python %d.%d, and 3.10 or newer is needed: make demo PYTHON=python3.12, for example." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-dev.lock
	touch $@

# A second AWS to test against. It pins another botocore, so it has an environment of its own. Where this can't be
# made, its tests are skipped; in CI they fail.
$(MINISTACK)/.installed: tests/fakes/ministack.lock
	-$(PYTHON) -m venv $(MINISTACK) && \
	$(MINISTACK)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --only-binary :all: -r $< && \
	touch $@

demo: $(VENV)/.installed
	PYTHONPATH=.:tests/support:tests/fakes $(BIN)/python tests/slow/demo.py

check: lint
	$(BIN)/python -m pytest -n auto --dist loadgroup tests/unit $(PYTEST_ARGS)

test: $(VENV)/.installed $(MINISTACK)/.installed
	$(BIN)/python -m pytest -n auto --dist loadgroup --ignore tests/slow $(PYTEST_ARGS)

test-slow: $(VENV)/.installed $(MINISTACK)/.installed
	$(BIN)/python -m pytest -n auto --dist loadgroup tests/slow $(PYTEST_ARGS)

bench: $(VENV)/.installed
	PYTHONPATH=.:tests/support:tests/fakes:tests/slow $(BIN)/python -m bench $(BENCH_ARGS)

lint: $(VENV)/.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/shellcheck $(SHELL_FILES)
	$(BIN)/shfmt --diff $(SHELL_FILES)

format: $(VENV)/.installed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/shfmt --write $(SHELL_FILES)

docs: $(VENV)/.installed
	PYTHONPATH=.:tests/support:tests/fakes $(BIN)/python docs/tables.py

lock: $(VENV)/.installed
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.10 --generate-hashes --no-header --quiet --upgrade -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.10 --generate-hashes --no-header --quiet --upgrade -o requirements-dev.lock
	echo pip | $(BIN)/uv pip compile - --python-version 3.10 --generate-hashes --no-header --no-annotate --quiet --upgrade -o deploy/build/python/pip.lock
	$(BIN)/uv pip compile tests/fakes/ministack.in --universal --python-version 3.10 --generate-hashes --no-header --quiet --upgrade -o tests/fakes/ministack.lock

clean:
	rm -rf $(VENV) $(MINISTACK) .pytest_cache .mypy_cache .ruff_cache .hypothesis
