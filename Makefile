# Everything sets up .venv by itself where it is missing or older than what it is made from.
PYTHON ?= python3
BIN := .venv/bin
PIP = $(@D)/bin/python -m pip install -qq --disable-pip-version-check
# a pip that takes hashes from constraints, by its own hash, and then whatever is asked for, by theirs
PINNED = sed -n '/^pip==/,/[^\\]$$/p' constraints-hashed.txt > $(@D)/pip.txt && $(PIP) --require-hashes --requirement $(@D)/pip.txt && $(PIP) --require-hashes --constraint constraints-hashed.txt
# what the project needs, with these extras: a folder has no hash, so Boxoffice itself is installed after it, alone
NEEDED = $(@D)/bin/python -c 'import sys, tomllib; of = tomllib.load(open("pyproject.toml", "rb"))["project"]; print(*of["dependencies"], *(each for name in sys.argv[1:] for each in of["optional-dependencies"][name]), sep="\n")'

.DEFAULT_GOAL := help
.PHONY: help demo test test-house lint bench docs notebooks torture worlds fuzz fuzz-bytes lock audit

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /make \1	/'

.venv/.run: pyproject.toml constraints-hashed.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Boxoffice needs Python 3.11 or later: make PYTHON=python3.11 …"; exit 1; }
	@echo "setting up .venv (half a minute, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(NEEDED) receive report > $(@D)/needed.txt
	@$(PINNED) hatchling --requirement $(@D)/needed.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.run
	@echo "setting up the tools for tests"
	@$(NEEDED) explore notify s3 > $(@D)/needed.txt
	@$(PINNED) --group dev --requirement $(@D)/needed.txt
	@touch $@

.venv-notebooks/.ready: pyproject.toml constraints-hashed.txt
	@echo "setting up .venv-notebooks (a minute, once; pandas stays out of .venv, where dlt would import it in every run)"
	@$(PYTHON) -m venv .venv-notebooks
	@$(PINNED) --group notebooks
	@touch $@

notebooks: .venv-notebooks/.ready  ## what the notebooks run with: .venv-notebooks
	@echo "Open notebooks/ in an editor that knows notebooks, with the Python of .venv-notebooks. Or in the browser:"
	@echo "  .venv-notebooks/bin/pip install jupyterlab && .venv-notebooks/bin/jupyter lab notebooks"

demo: .venv/.run  ## a made-up venue, from both platforms to the marts; again: a day passes
	@$(BIN)/python -m sandbox demo

test: .venv/.dev .venv-notebooks/.ready  ## what any change can break: some ten minutes
	@$(BIN)/python -m pytest -m 'not house' -n 3 --dist loadfile --no-loadscope-reorder --durations 15

test-house: .venv/.dev .venv-notebooks/.ready  ## what is expensive and seldom changes, then worlds, torture and fuzz: hours
	@$(BIN)/python -m pytest -m house -n 2 --dist loadfile --no-loadscope-reorder --durations 15
	@$(MAKE) --no-print-directory worlds torture fuzz

lint: .venv/.dev  ## ruff and sqlfluff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/sqlfluff lint --processes 2 models tests/data

worlds: .venv/.dev  ## the marts against the ledgers of a hundred made-up venues: some fifteen minutes
	@$(BIN)/python -m pytest tests/test_worlds.py --worlds 100

torture: .venv/.dev  ## runs killed two hundred times at random moments, compared with one left alone
	@$(BIN)/python -m tests.torture --kills 200
	@$(BIN)/python -m tests.torture --kills 20 --power-loss

lock: .venv/.dev  ## constraints-hashed.txt again, after an edit of constraints.txt or pyproject.toml
	@printf 'hatchling\npip\n' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
		--generate-hashes --all-extras --group dev --group notebooks --constraint constraints.txt \
		--output-file constraints-hashed.txt pyproject.toml -

audit: .venv/.dev  ## known vulnerabilities of the pinned versions: asks the advisory database of PyPI
	@test -x .venv-audit/bin/pip-audit || { $(PYTHON) -m venv .venv-audit && .venv-audit/bin/python -m pip install -qq pip-audit; }
	@.venv-audit/bin/pip-audit --strict --disable-pip --require-hashes --requirement constraints-hashed.txt

FUZZ ?= --sequences 20000
fuzz: .venv/.dev  ## twenty thousand strange deliveries, an hour or more; FUZZ="--minutes 600 --seed 7" for others
	@$(BIN)/python -m tests.deliveries $(FUZZ)

FUZZ_BYTES ?= --seconds 1800
fuzz-bytes: .venv/.dev  ## any bytes as buffer files and as answers of the API, led by coverage: an hour (Linux on x86)
	@$(BIN)/python -m tests.fuzz_bytes buffer $(FUZZ_BYTES)
	@$(BIN)/python -m tests.fuzz_bytes page $(FUZZ_BYTES)

bench: .venv/.dev  ## the figures of benchmarks/README.md, side by side with their floors and rivals
	@$(BIN)/python -m benchmarks

docs: .venv/.run  ## the tables, columns and lineage as one page: target/static_index.html
	@test -f "$${BOXOFFICE_DATA_DIR:-data}/warehouse.duckdb" || { echo "There are no tables yet. First: make demo, or boxoffice run"; exit 1; }
	@$(BIN)/dbt --quiet docs generate --static
	@page="$${DBT_TARGET_PATH:-target}/static_index.html"; { echo "<style>"; cat docs/dbt.css; echo "</style>"; } >> "$$page"; echo "$$page"
