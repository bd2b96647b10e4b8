# Everything here works on a fresh machine with Python 3.11 (or later), make and bash.
# `make test` also runs on Kafka where Docker answers, or Java 17 and Maven are installed.
PYTHON ?= $(shell for each in python3.11 python3 python3.12 python3.13; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
KAFKA_LOCAL := tests/tools/kafka-local/kafka-local
export PIP_DISABLE_PIP_VERSION_CHECK := 1

ROUNDS ?= 3

.PHONY: help demo test test-faults test-system-postgres check bench lock kafka-jars clean

help:  ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: $(STAMP)  ## a hub with sample data on this machine
	$(BIN)/hub demo

test: $(STAMP) kafka-jars  ## all tests; ARGS="-k name" narrows them
	$(BIN)/python -m pytest $(ARGS)

test-faults: $(STAMP) kafka-jars  ## the whole fault suite, ROUNDS=3 times with other seeds; HUB_TEST_SEED=N repeats one
	@for round in $$(seq $(ROUNDS)); do \
		seed=$${HUB_TEST_SEED:-$$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}; \
		echo "round $$round of $(ROUNDS), HUB_TEST_SEED=$$seed"; \
		HUB_TEST_FAULTS=1 HUB_TEST_SEED=$$seed $(BIN)/python -m pytest tests/acceptance/faults $(ARGS) || exit 1; \
	done

test-system-postgres: $(STAMP)  ## what rests on PostgreSQL, on the one that the system has (15 or later)
	HUB_TEST_SYSTEM_POSTGRES=1 $(BIN)/python -m pytest -m "not kafka" tests/integration/test_migrations.py \
		tests/integration/test_views.py tests/integration/test_engine_*.py tests/integration/test_log_postgres.py \
		tests/integration/test_vault_store.py tests/integration/test_copyformat*.py tests/integration/test_clock.py $(ARGS)

check: $(STAMP)  ## format, lint, types, imports, schemas
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hub schemas check

bench: $(STAMP) kafka-jars  ## figures beside their limits, in bench.json
	$(BIN)/python -m tests.bench $(ARGS)

lock: $(STAMP)  ## requirements.lock from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --all-extras --generate-hashes --no-emit-index-url --python-version 3.11 -o requirements.lock pyproject.toml

# Outside of any test's time limit; a test run without a broker says so itself.
kafka-jars:
	@if command -v java >/dev/null && command -v mvn >/dev/null; then \
		KAFKA_LOCAL_HOME="$$HUB_TEST_KAFKA_JARS" $(KAFKA_LOCAL) fetch >/dev/null \
			|| echo "make: the jars of Kafka could not be fetched" >&2; \
	fi

# The dependencies come by hash; the project itself is linked, without any dependency but its build tool.
$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or later is needed; name it with PYTHON=…" >&2; exit 1; }
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

clean:  ## what make and the tools made; not the hub's data
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache bench.json
