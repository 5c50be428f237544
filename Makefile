# Everything people and CI run. `make help` lists it.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 3
JS := tests/system/js

.PHONY: help demo test test-system lint types check bench fuzz chaos chaos-short permissions clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

# One stamp per set of extras: a change of pyproject.toml installs again.
$(VENV)/demo.stamp: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	@touch $@

$(VENV)/test.stamp: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@ $(VENV)/demo.stamp

demo: $(VENV)/demo.stamp ## the whole service on this machine; ONCE=1 plays the story, REPORT=file.json writes figures
	$(BIN)/colloque demo $(if $(ONCE),--once) $(if $(REPORT),--report $(REPORT)) $(if $(DIR),--dir $(DIR))

test: $(VENV)/test.stamp ## the suite: no root, nothing but the package registries
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup --ignore tests/system

$(JS)/node_modules/.stamp: $(JS)/package-lock.json
	cd $(JS) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

test-system: $(VENV)/test.stamp $(JS)/node_modules/.stamp ## what needs root and Debian packages: Chromium, Postfix, Dovecot, Node
	$(BIN)/python -m pytest -q tests/system

lint: $(VENV)/test.stamp ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test.stamp ## strict types, tests included
	$(BIN)/mypy

chaos-short: $(VENV)/test.stamp ## a minute of chaos on each database
	$(BIN)/python -m chaos --minutes 0.7 --db sqlite
	$(BIN)/python -m chaos --minutes 0.7 --db postgres --processes 2

check: lint types test test-system chaos-short ## what CI runs

$(VENV)/bench.stamp: $(VENV)/test.stamp
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	@touch $@

bench: $(VENV)/bench.stamp ## figures: ratios within one run
	$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY)) $(if $(REPORT),--report $(REPORT))

fuzz: $(VENV)/test.stamp ## ten thousand broken mails; COUNT=, SEED=
	$(BIN)/python -m tests.mail.fuzz $(or $(COUNT),10000) $(or $(SEED),1)

chaos: $(VENV)/test.stamp ## break things and count; SEED=, MINUTES=, DB=sqlite|postgres, PROCESSES=, REPORT=file.json
	$(BIN)/python -m chaos $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(DB),--db $(DB)) \
		$(if $(PROCESSES),--processes $(PROCESSES)) $(if $(REPORT),--report $(REPORT)) $(if $(DIR),--dir $(DIR))

permissions: $(VENV)/test.stamp ## try who may do what on a real homeserver and write docs/permissions.md
	WRITE_PERMISSIONS=1 $(BIN)/python -m pytest -q tests/journeys/test_permissions.py

clean: ## remove what make made
	rm -rf $(VENV) $(JS)/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
