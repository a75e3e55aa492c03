# The few commands of this project; `make` alone lists them.
# Plain pip is enough for all but `make lock`. Nothing is installed outside .venv except by `make services`.

PYTHON ?= python3
PORT ?= 8000
ARGS ?=
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

bin := .venv/bin
# Two workers per machine core would starve the browser tests; one per core, and one file stays in one worker.
pytest := $(bin)/python -m pytest -n auto --dist loadfile -q -rs
export PYTHON

# The embedded default is tested throughout; these rest on the database's own locks and constraints.
postgres_tests := tests/reinstall/models tests/reinstall/services
on_postgres = PORTAL_TEST_STRICT=1 \
	ECSPORTAL_DATABASE_URL="$${PORTAL_TEST_POSTGRES_URL:-postgres://ecsportal:ecsportal@127.0.0.1:5432/ecsportal}" \
	ECSPORTAL_SECRET_KEY="$$(head -c 48 /dev/urandom | base64 -w 0)" \
	ECSPORTAL_ENCRYPTION_KEYS="test:$$(head -c 32 /dev/urandom | base64 -w 0)"

.PHONY: help demo test test-all lint format types contracts migrations check bench faults services lock client screenshots clean
.PHONY: venv-runtime venv-dev

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: venv-runtime ## the portal with a simulated cloud on 127.0.0.1:8000 (PORT=9000; ARGS=--empty adds no project)
	@exec $(bin)/python manage.py demo --port $(PORT) $(ARGS)

test: venv-dev ## the tests; those whose service is missing are skipped (ARGS="tests/house -x" goes to pytest)
	@$(pytest) $(ARGS)

test-all: venv-dev ## the tests, and a missing service is a failure (see: make services)
	@PORTAL_TEST_STRICT=1 $(pytest) $(ARGS)
	@$(if $(ARGS),,echo "Once more on PostgreSQL: constraints, services and engine" && $(on_postgres) $(pytest) $(postgres_tests))

lint: venv-dev ## ruff: rules, budgets and format
	@$(bin)/ruff check --quiet .
	@$(bin)/ruff format --quiet --check . || { echo "Some files are not formatted: make format"; exit 1; }

format: venv-dev ## ruff formats every file and mends what it can
	@$(bin)/ruff check --quiet --fix . ; $(bin)/ruff format --quiet .

types: venv-dev ## mypy --strict
	@$(bin)/mypy

contracts: venv-dev ## who may import whom
	@$(bin)/lint-imports

migrations: venv-dev ## every change of a model has its migration
	@$(bin)/python manage.py makemigrations --check --dry-run

check: lint types contracts migrations ## everything that reads the code without running it

bench: venv-dev ## the benchmarks: a table on screen, var/bench.json for machines
	@$(bin)/python -m benchmarks $(ARGS)

faults: venv-dev ## the engine under fire: each database and broker, 5 seeds, about 30 minutes (ARGS="--quick": one)
	@$(bin)/python -m tests.faults $(ARGS)

services: ## installs (Debian packages) and starts PostgreSQL, Redis, RabbitMQ and Chromium for the tests
	@scripts/services.sh

lock: ## writes requirements/*.txt anew from requirements/*.in (needs uv)
	@uv="$$(command -v $(bin)/uv || command -v uv)" || { echo "make lock needs uv: $(bin)/pip install uv"; exit 1; }; \
	compile="$$uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links"; \
	$$compile --custom-compile-command "make lock" requirements/runtime.in -o requirements/runtime.txt && \
	$$compile --custom-compile-command "make lock" -c requirements/runtime.txt requirements/dev.in -o requirements/dev.txt

client: venv-dev ## writes clients/python/ecsportal_client.py anew from the OpenAPI document
	@$(bin)/python scripts/client.py

screenshots: venv-dev ## pictures of every page of a running `make demo` into var/screenshots (PORT= as there)
	@$(bin)/python scripts/screenshots.py --url http://127.0.0.1:$(PORT) $(ARGS)

clean: ## removes .venv and caches; what the portal stored under var/ stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov staticfiles
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

venv-runtime:
	@scripts/venv.sh runtime

venv-dev:
	@scripts/venv.sh dev
