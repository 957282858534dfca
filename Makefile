# Everything sets up .venv by itself where it is missing or older than what it is made from.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench docs

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /make \1	/'

.venv/.run: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Boxoffice needs Python 3.11 or later: make PYTHON=python3.11 …"; exit 1; }
	@echo "setting up .venv (half a minute, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(INSTALL) pip setuptools
	@$(INSTALL) --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.run
	@echo "setting up the tools for tests"
	@$(INSTALL) --group dev
	@touch $@

demo: .venv/.run  ## a made-up venue, from both platforms to the marts; again: a day passes
	@$(BIN)/python -m pipelines.sandbox demo

test: .venv/.dev  ## the whole suite, dbt builds included
	@$(BIN)/python -m pytest

lint: .venv/.dev  ## ruff and sqlfluff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/sqlfluff lint --processes 2 models tests/data

bench: .venv/.dev  ## the figures of benchmarks/README.md, side by side with their floors and rivals
	@$(BIN)/python -m benchmarks

docs: .venv/.run  ## the tables, columns and lineage as one page: target/static_index.html
	@$(BIN)/dbt --quiet docs generate --static
	@echo "target/static_index.html"
