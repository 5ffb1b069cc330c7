# Every target makes .venv by itself from bare Python (3.11 or newer) and make.
# PYTHON=/path/to/python chooses the interpreter; otherwise the newest that runs is taken.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
STAMP := .venv/.upheld-installed
# Folders that hold Python.
CODE = $(foreach folder,src tests examples bench,$(if \
	$(shell find $(folder) -name '*.py' -print -quit 2>/dev/null),$(folder)))
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header

# Names of versions first: a shim may exist for a version that is not installed, so each is tried.
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3.13 python3.12 python3.11 python3)
FIND_PYTHON = for candidate in $(CANDIDATES); do \
	if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	>/dev/null 2>&1; then echo "$$candidate"; exit 0; fi; done; \
	echo "error: no Python 3.11 or newer with venv among: $(CANDIDATES)" >&2; \
	echo "  help: install one, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1

.PHONY: help setup demo test test-slow check bench lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r target text; do printf '%-18s %s\n' "$$target" "$$text"; done

setup: $(STAMP) ## make .venv with the locked dependencies and Upheld itself

$(STAMP): requirements/dev.lock pyproject.toml
	@set -e; python=$$($(FIND_PYTHON)); \
	if [ ! -x $(BIN)/python ] || ! $(BIN)/python -c '' 2>/dev/null; then \
		echo "setup: making .venv with $$("$$python" --version)"; \
		"$$python" -m venv --clear .venv; fi
	@echo "setup: installing the locked dependencies (the first time takes a minute or two)"
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-input \
		--require-hashes -r requirements/dev.lock
	@echo "setup: installing upheld itself, editable"
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-input \
		--no-deps --no-build-isolation --no-index --editable .
	@touch $@
	@echo "setup: ready"

demo: $(STAMP) ## show exports and erasures on the example service, with proof
	@$(BIN)/python examples/studio/demo.py

test: $(STAMP) ## run the tests, save those marked slow
	@$(BIN)/python -m pytest -q -n 2 -m "not slow"

test-slow: $(STAMP) ## run the tests marked slow
	@$(BIN)/python -m pytest -q -m slow

check: $(STAMP) ## run the gates: lint, format, types, imports, house rules, docs
	@echo "check: ruff" && $(BIN)/ruff check --quiet $(CODE)
	@echo "check: format" && $(BIN)/ruff format --check --quiet $(CODE)
	@echo "check: types" && $(BIN)/mypy --no-error-summary $(CODE)
	@echo "check: imports" && $(BIN)/lint-imports --no-cache >.venv/imports.txt || { cat .venv/imports.txt; exit 1; }
	@echo "check: house rules and docs" && \
		$(BIN)/python -m pytest -q -p no:xdist tests/unit/test_tidy.py tests/unit/test_docs.py

bench: $(STAMP) ## measure, each time beside a baseline in the same run
	@PYTHONPATH=examples/studio $(BIN)/python -m bench

lock: $(STAMP) ## write requirements/*.lock anew (adds what pyproject.toml asks for; UPGRADE=1 renews all)
	@$(COMPILE) $(if $(UPGRADE),--upgrade) -o requirements/runtime.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) -c requirements/runtime.lock \
		--extra studio --group dev -o requirements/dev.lock
	@echo "lock: requirements/runtime.lock and requirements/dev.lock are written; run make setup"

clean: ## remove .venv, caches and what the demo left
	@rm -rf .venv .upheld dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find src tests examples bench -type d -name __pycache__ -prune -exec rm -rf {} +
