# `make demo` and `make test` set everything up by themselves. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests run in that many processes; a file's tests stay together.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
export DAGSTER_DISABLE_TELEMETRY := 1
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-full check format dev bench docs calibrate calibrate-gate lock clean

help: ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"landed needs Python 3.11 to 3.13, {sys.executable} is {v[0]}.{v[1]}. Fix: make PYTHON=python3.12 …")'
	@echo "setup: new environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "setup: installing landed (about two minutes the first time)"
	@$(PIP) install --require-hashes --no-deps -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "setup: installing what the tests need"
	@$(PIP) install --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

setup: $(VENV)/.dev ## install everything into .venv

demo: $(VENV)/.runtime ## the main job on the demo product
	@$(BIN)/landed demo --project examples/demo

check: $(VENV)/.dev ## lint, types, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/sqlfluff lint --disable-progress-bar models examples

test: check ## check, then every test but the slow proofs
	@$(PYTEST) -m "not full"

test-full: check ## every test, slow proofs included
	@$(PYTEST)

calibrate: $(VENV)/.dev ## draw the error rates, write docs/calibration.md
	@PYTHONPATH=tests OPENBLAS_NUM_THREADS=1 $(BIN)/python -m simulation.calibration --gate $(wildcard build/gate/*.jsonl)

calibrate-gate: $(VENV)/.dev ## plant faults and judge clean releases for `calibrate`: three hours on 2 cores, goes on where it stopped
	@mkdir -p build/gate
	@export PYTHONPATH=tests OPENBLAS_NUM_THREADS=1; part="$(BIN)/python -m simulation.calibration.gate"; \
	$$part clean --runs 0 500 --file build/gate/clean-a.jsonl & \
	$$part clean --runs 500 1000 --file build/gate/clean-b.jsonl && \
	$$part faults --runs 0 25 --file build/gate/faults.jsonl; wait

format: $(VENV)/.dev ## format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

dev: $(VENV)/.runtime ## the demo product under the Dagster UI
	@$(BIN)/landed dev --project examples/demo

bench: $(VENV)/.dev ## the benchmark suite: ratios in one run
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks.ingest
	@$(BIN)/python -m benchmarks.refusals
	@$(BIN)/python -m benchmarks.statistics
	@$(BIN)/python -m benchmarks.metrics $(if $(VENVS),--venvs $(VENVS))

docs: $(VENV)/.dev ## check the documents: links, commands, completeness
	@$(BIN)/python -m pytest tests/docs

lock: $(VENV)/.dev ## compile the lock files again, without registry addresses
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header -p 3.11 --group build pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header -p 3.11 --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## remove the state of the examples, keep the environment
	@rm -rf examples/*/.landed
