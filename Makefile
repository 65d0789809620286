# Everything runs in .venv, which `make` builds once and again whenever pyproject.toml changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DELETE_ON_ERROR:
.PHONY: help quickstart test test-all lint docs bench results headline clean

help:  ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

quickstart: $(READY)  ## Set up, compare the routes on bundled digits, and say how to go on
	$(BIN)/headstart compare digits -o runs/digits-compare
	@echo
	@echo "The report: $(CURDIR)/runs/digits-compare/report.html"
	@echo "Your own images: $(CURDIR)/$(BIN)/headstart compare YOUR_FOLDER"

test: $(READY) lint  ## Set up, then lint, types, the import contract and the fast tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto -m "not slow"

test-all: $(READY) lint  ## The same with the slow tests
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "headstart needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[maps,pretrained,rendered]' --group dev
	@touch $(READY)

bench: $(READY)  ## Print every benchmark's ratios: quiet machine, some ten minutes
	for name in views photos step nt_xent probe knn finetune diagnose autoencoder maps; do $(BIN)/python benchmarks/$$name.py || exit 1; done

results: $(READY)  ## Remake the pages of results in docs/; runs that are done are only read
	for name in experiments suggesting own_data few_labels adaptation pretext; do $(BIN)/python benchmarks/$$name.py || exit 1; done

headline: $(READY)  ## ImageNet's encoders on the classic tutorial's photos: hours; goes on where it was stopped
	$(BIN)/python benchmarks/headline.py

docs: $(READY)  ## Build the documentation into site/
	$(BIN)/python -m pip install --quiet mkdocs-material
	$(BIN)/mkdocs build --strict

clean:  ## Remove what was built; runs/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis site dist
