# Landfall. `make` alone lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
DEMO := .venv-demo
BIN := $(VENV)/bin
AUDIT := .venv-audit
IMAGE ?= landfall
PLATFORM ?=
BENCH_DATA ?= /var/tmp/landfall-bench
BENCH_OPTIONS ?= --group all --tidy
FUZZ_SECONDS ?= 180

.PHONY: help demo demo-stop test test-unit faults fuzz lint format lock bench image image-spark push sbom audit audit-code audit-locks deploy destroy rehearse clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(DEMO)/installed: locks/embedded.txt pyproject.toml
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/embedded.txt
	$(DEMO)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/installed: locks/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

demo: $(DEMO)/installed ## Load the samples into an embedded PostgreSQL and show what happened
	@$(DEMO)/bin/python samples/demo.py

demo-stop: ## Stop the demo's database (its data stay in landfall-data/)
	@$(DEMO)/bin/python -c "from pathlib import Path; from pipeline.load.embedded import stop; stop(Path('landfall-data'))"

test: $(VENV)/installed ## Run the whole test suite
	$(BIN)/python -m pytest

test-unit: $(VENV)/installed ## Run the tests that need no database (seconds)
	$(BIN)/python -m pytest tests/unit

bench: $(VENV)/installed ## Measure beside psql \copy and other programs, render docs/performance.md (BENCH_DATA=DIR, 20 GB)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check tpchgen-cli==4.0.0
	$(BIN)/python benchmarks/bench.py --data $(BENCH_DATA) $(BENCH_OPTIONS)
	$(BIN)/python benchmarks/report.py

faults: $(VENV)/installed ## Strike loads at every step and at 100 random moments; render docs/guarantees.md (many minutes)
	LANDFALL_FAULTS=all $(BIN)/python -m pytest tests/integration/test_crash_matrix.py tests/integration/test_kills.py \
	  tests/integration/test_concurrency.py tests/unit/extract/test_pollution.py
	$(BIN)/python -m tests.guarantees

soak: $(VENV)/installed ## Load 600 files of mixed datasets, sizes and faults in one process; account for every row (minutes)
	$(BIN)/python -m tests.soak
	$(BIN)/python -m tests.guarantees

fuzz: $(VENV)/installed ## Fuzz the readers of files and of contracts, FUZZ_SECONDS each (minutes)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'atheris>=3'
	for target in csv files contract; do $(BIN)/python -m tests.fuzz $$target $(FUZZ_SECONDS) || exit 1; done

lint: $(VENV)/installed ## Check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed ## Put the code into its standard form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/installed ## Renew the lock files from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --extra native pyproject.toml -o locks/native.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --extra spark pyproject.toml -o locks/spark.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --extra native --extra embedded pyproject.toml -o locks/embedded.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --extra embedded --group dev pyproject.toml -o locks/dev.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 - -o locks/build.txt < locks/build.in
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 - -o locks/audit.txt < locks/audit.in

# PLATFORM=linux/arm64 or linux/amd64 builds for another machine, where the builder can.
BUILD = docker build $(if $(PLATFORM),--platform $(PLATFORM)) --build-arg VERSION=$$(git describe --tags --always --dirty) \
	--build-arg REVISION=$$(git rev-parse HEAD) --build-arg CREATED=$$(git log -1 --format=%cI)

image: ## Build the image without a JVM, landfall
	$(BUILD) --target native --tag $(IMAGE) --tag $(IMAGE):native .

image-spark: ## Build the image with a JVM, landfall:spark
	$(BUILD) --target spark --tag $(IMAGE):spark .

push: ## Build the image, push it to ECR under the name of the commit, print its digest
	@terraform/deploy.sh push

$(AUDIT)/installed: locks/audit.txt
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/audit.txt
	@touch $@

sbom: $(AUDIT)/installed ## List what is in the image (CycloneDX, build/sbom.json); by syft where installed, else its Python packages
	@mkdir -p build
	@if command -v syft >/dev/null; then syft $(IMAGE) --output cyclonedx-json=build/sbom.json; \
	else docker run --rm --interactive --entrypoint python $(IMAGE) - < image/installed.py \
	  | $(AUDIT)/bin/cyclonedx-py requirements - --output-file build/sbom.json; fi
	@echo build/sbom.json

audit: audit-code audit-locks ## Look for weak spots in the code (bandit) and for known ones in the locked packages (pip-audit)

audit-code: $(AUDIT)/installed ## Look for weak spots in the code
	$(AUDIT)/bin/bandit --quiet --recursive pipeline trigger_lambda

audit-locks: $(AUDIT)/installed ## Look the locked packages up in the database of known vulnerabilities (of PyPI: needs a way out)
	for lock in locks/*.txt; do $(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes -r $$lock || exit 1; done

deploy: ## Build, push and apply everything to AWS; run it again for a new version (docs/deploy.md)
	terraform/deploy.sh

destroy: ## Take everything down; what happens to data is asked first (docs/deploy.md)
	terraform/destroy.sh

rehearse: $(VENV)/installed ## Deploy, use and destroy the whole stack on this machine, without AWS (docs/rehearsal.md)
	$(BIN)/python -m pytest --capture=no tests/cloud/test_rehearsal.py

clean: ## Remove what was built, not the demo's data
	rm -rf $(VENV) $(DEMO) $(AUDIT) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
