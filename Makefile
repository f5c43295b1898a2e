# Run, test and measure the station:  make run   make test   make bench
# make run HOST=0.0.0.0 PORT=9000 MEDIA_PORT=9001 DATA=/srv/station   (HTTPS when HOST is not this machine alone)

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.SILENT:
MAKEFLAGS += --no-print-directory
PY := .venv/bin/python

# Some shells export HOST or DATA for purposes of their own: only what is written after `make` counts.
option = $(if $(filter command,$(word 1,$(origin $(1)))),$(2) '$($(1))')
OPTIONS = $(call option,HOST,--host) $(call option,PORT,--port) $(call option,MEDIA_PORT,--media-port) $(call option,DATA,--data)

.PHONY: help run setup develop test unit coverage check lint format messages bench lock audit clean
help:
	grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## */make \1\t/'

setup: ## install what the station runs with, and nothing else
	tools/setup.sh

develop: ## install also what it is tested and checked with
	tools/setup.sh dev

run: setup ## start the station with demo data (HOST, PORT, MEDIA_PORT, DATA)
	exec $(PY) -m station serve --demo $(OPTIONS)

test: ## install what is needed, check the code, run every test
	tools/system_packages.sh
	tools/setup.sh dev
	$(MAKE) lint
	rm -f .pytest_cache/v/cache/lastfailed
	faults=0
	$(PY) -m pytest --light -n 3 --dist loadgroup || faults=$$?
	$(PY) -m pytest --heavy -n 2 --dist loadgroup || faults=$$((faults > $$? ? faults : $$?))
	[ $$faults = 1 ] || exit $$faults
	$(PY) tools/second_try.py

unit: ## only the fast tests, which need neither npm nor apt
	tools/setup.sh dev python
	$(PY) -m pytest --unit

coverage: ## branch coverage of the fast tests, the least covered modules first
	tools/setup.sh dev python
	$(PY) -m pytest --unit -n 2 --dist loadgroup --cov --cov-report=
	$(PY) -m coverage report --sort=cover --skip-covered --skip-empty

check: lint ## lint, types, and the house's own rules: words, floors, sizes
	$(PY) -m pytest tests/test_house.py tests/test_import_order.py

lint: develop ## lint and types only
	$(PY) -m mypy & types=$$!  # takes longer than all others together, and one core
	trap 'kill $$types 2>/dev/null || true' EXIT
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m djlint web/templates --lint --quiet
	node_modules/.bin/tsc --noEmit -p jsconfig.json
	node_modules/.bin/biome lint --error-on-warnings
	node_modules/.bin/stylelint "web/css/**/*.css"
	wait $$types

format: develop ## put the code into its form
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .

messages: develop ## list the texts that have no English yet
	$(PY) -m pytest tests/test_documents.py -k translated

bench: develop ## run the benchmarks and print their tables
	tools/bench_packages.sh
	$(PY) -m bench

lock: ## write constraints.txt, constraints-dev.txt and package-lock.json anew
	tools/lock.sh "$$(tools/find_python.sh)"
	npm install --package-lock-only --silent

audit: ## ask whether advisories are known for any package
	tools/audit.sh "$$(tools/find_python.sh)"

clean: ## remove everything that make made, but not the station's data
	rm -rf .venv node_modules web/vendor build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
