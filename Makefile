# Python 3.11 and make are all this needs. Every target makes .venv when there is none; the stamp files in it depend on
# pyproject.toml and constraints.txt, so a second run installs nothing.

SHELL := /bin/bash
# the first Python that is new enough; make PYTHON=/path/to/python3 overrides
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v "$$p"; break; }; done)
# CPU builds of PyTorch; PyPI's Linux build brings gigabytes of GPU libraries
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
# the note of mkdocs-material about its successor is no finding of ours
export NO_MKDOCS_2_WARNING := 1
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt
CPU_TORCH = $(PIP) --no-deps --retries 1 --index-url $(TORCH_INDEX) torch || echo "no CPU build of PyTorch found; taking the usual one"
SPEC := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help install demo test check bench docs protos clean

help:  ## show this list
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

install: $(VENV)/.all  ## everything that runs on a CPU, in .venv

demo: $(VENV)/.base  ## base install, then the whole loop on real data; results in demo/
	$(BIN)/setpoint demo

# a file of the second part stays in one process; tests/conftest.py puts the longest first
SECOND := tests/integration tests/e2e tests/contract/test_importers.py tests/contract/test_trainers.py
test: $(VENV)/.dev  ## unit and contract tests, then integration, end to end, and what reads every framework
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not gpu" $(SECOND:%=--ignore=%)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not gpu" $(SECOND)

check: $(VENV)/.dev  ## format, lint, types, layers, documentation links
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/unit/test_layers.py
	@site=$$(mktemp -d) && trap 'rm -rf "$$site"' EXIT && $(BIN)/mkdocs build --quiet --strict --site-dir "$$site"

bench: $(VENV)/.all  ## every bench/*/run.py, one table each
	@set -e; for run in bench/*/run.py; do \
		[ -e "$$run" ] || { echo "no benchmarks yet"; break; }; \
		echo "== $$run"; $(BIN)/python "$$run"; \
	done

docs: $(VENV)/.dev  ## the documentation site, in site/
	$(BIN)/mkdocs build --strict

# into a pool of their own: the clients of other servers bring messages of the same names
protos: $(VENV)/.dev  ## the Python of the .proto files
	cd src/setpoint/serve/grpc && $(CURDIR)/$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. *.proto
	sed -i.old 's/_descriptor_pool.Default()/_descriptor_pool.DescriptorPool()/' src/setpoint/serve/grpc/*_pb2.py
	rm src/setpoint/serve/grpc/*.old

clean:  ## remove .venv, caches and build outputs
	rm -rf $(VENV) site build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests bench examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# A failed install leaves no stamp, so the next run tries again.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed; say where with make PYTHON=/path/to/python3" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.base: $(SPEC) | $(BIN)/python
	@echo "installing Setpoint into $(VENV)"
	$(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(SPEC) | $(BIN)/python
	@echo "installing Setpoint, its test tools and every framework into $(VENV)"
	@$(CPU_TORCH)
	$(PIP) --editable '.[dev,tensorflow,boosting,transformers]'
	@touch $@ $(VENV)/.base

$(VENV)/.all: $(SPEC) | $(BIN)/python
	@echo "installing Setpoint with every extra into $(VENV); this takes a few minutes"
	@$(CPU_TORCH)
	$(PIP) --editable '.[dev,all]'
	@touch $@ $(VENV)/.dev $(VENV)/.base
