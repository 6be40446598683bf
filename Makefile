# The verbs of this project. CI, hooks and people call the same ones; `make` alone prints them.
# Each step leaves a stamp and runs again only when what it depends on has changed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
STATIC := src/luytre/api/static
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet --no-input
# Node.js of the machine, or the one in .venv: scripts/node-env prints what goes in front of PATH.
WITH_NODE = prefix=$$(scripts/node-env); export PATH="$$prefix$$PATH";
CODE := $(wildcard src tests bench scripts/generate)

# A checkout without pages (a copy of the Python side only) is still set up.
WEB_PAGES := $(if $(wildcard web/package.json),$(STATIC)/index.html)
WEB_SOURCES := $(if $(WEB_PAGES),$(shell find web/src web/public web/index.html web/vite.config.* web/postcss.config.* \
	web/tsconfig*.json 2>/dev/null))
WEB_MODULES := $(if $(WEB_PAGES),web/node_modules/.stamp)

PYTEST_JOBS ?= 2
PYTEST_ARGS ?=
DEMO_ARGS ?=
BENCH_ARGS ?=
ARCHIVE_BENCH_ARGS ?=
SOAK_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup dev demo test lint fmt docs bench soak check pins clean web-check

help: ## print these verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

setup: $(STAMP)/package $(WEB_PAGES) ## virtual environment, pinned dependencies, built web pages
	@echo "ready: $(BIN)/luytre"

demo: setup ## set up, then a node with six simulated cameras in var/demo
	@exec $(BIN)/luytre demo var/demo $(DEMO_ARGS)

test: setup dev $(WEB_MODULES) ## set up, then all tests
	@scripts/system-packages
	@$(if $(WEB_PAGES),$(WITH_NODE) cd web && npm test,echo "no web/: its tests are left out")
	@$(BIN)/python -m pytest -n $(PYTEST_JOBS) --dist loadfile $(PYTEST_ARGS)

lint: $(STAMP)/package dev ## ruff, mypy --strict, import-linter
	@echo "ruff"; $(BIN)/ruff check $(CODE)
	@echo "mypy"; $(BIN)/mypy $(CODE)
	@echo "import-linter"; $(BIN)/lint-imports --no-logo

fmt: dev ## format the code, apply the safe fixes
	@$(BIN)/ruff check --fix --exit-zero --quiet $(CODE)
	@$(BIN)/ruff format $(CODE)

docs: $(STAMP)/package $(WEB_MODULES) ## generate ref/ and the TypeScript client anew
	@$(BIN)/python scripts/generate

bench: setup dev ## measure the promises, against peers, in one run
	@scripts/system-packages
	@$(BIN)/python bench/record.py $(BENCH_ARGS)
	@$(BIN)/python bench/ingest.py $(BENCH_ARGS)
	@for bench in seek crash scale check; do $(BIN)/python bench/$$bench.py $(ARCHIVE_BENCH_ARGS); done

soak: setup dev ## half an hour with cameras that misbehave: does a recorder grow?
	@$(BIN)/python bench/soak.py $(SOAK_ARGS)

check: $(STAMP)/package dev ## formatting, lint, types, walls, generated files fresh
	@echo "ruff format"; $(BIN)/ruff format --check $(CODE)
	@$(MAKE) lint
	@$(if $(WEB_PAGES),$(MAKE) web-check,echo "no web/: its checks are left out")
	@$(BIN)/python scripts/generate --check

pins: dev ## resolve requirements/*.in again, with hashes
	@for f in build runtime dev node; do \
		echo "requirements/$$f.txt"; \
		$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 \
			--no-emit-index-url --no-emit-find-links --no-annotate --no-header \
			requirements/$$f.in -o requirements/$$f.txt; \
	done

clean: ## remove what the other verbs made, except var/
	rm -rf $(VENV) $(STATIC) web/node_modules .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

# --- steps: not for calling by hand -------------------------------------------------------------------------------

dev: $(STAMP)/dev

web-check: $(WEB_MODULES)
	@echo "eslint"; $(WITH_NODE) cd web && npm run --silent lint
	@echo "tsc"; $(WITH_NODE) cd web && npm run --silent typecheck

$(STAMP)/venv:
	@scripts/make-venv $(VENV)
	@mkdir -p $(STAMP) && touch $@

$(STAMP)/runtime: $(STAMP)/venv requirements/build.txt requirements/runtime.txt
	@echo "installing what the node needs (requirements/runtime.txt)"
	@$(PIP) --require-hashes -r requirements/build.txt -r requirements/runtime.txt
	@touch $@

$(STAMP)/dev: $(STAMP)/runtime requirements/dev.txt
	@echo "installing what the tests and checks need (requirements/dev.txt)"
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

$(STAMP)/package: $(STAMP)/runtime pyproject.toml
	@echo "installing luytre itself, editable"
	@$(PIP) --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(STAMP)/node: $(STAMP)/venv requirements/node.txt scripts/node-env
	@if ! scripts/node-env --system; then \
		echo "no Node.js 20.19 or newer here: installing one into $(VENV) (requirements/node.txt)"; \
		$(PIP) --require-hashes -r requirements/node.txt; \
	fi
	@touch $@

web/node_modules/.stamp: $(STAMP)/node web/package.json web/package-lock.json
	@echo "installing what the web pages need (web/package-lock.json)"
	@$(WITH_NODE) cd web && npm ci --no-audit --no-fund --loglevel=error
	@mkdir -p $(@D) && touch $@

$(STATIC)/index.html: $(WEB_MODULES) $(WEB_SOURCES)
	@echo "building the web pages into $(STATIC)"
	@$(WITH_NODE) cd web && npm run --silent build
	@test -f $@ || { echo "web: npm run build left no $@" >&2; exit 1; }
	@touch $@
