# Each target does all of its own set-up: Python 3.11 to 3.13 and make are enough (see tools/setup).
# Every path below is relative, so the folder may have any name.

.DEFAULT_GOAL := help
.PHONY: help demo test bench interop peers fuzz lint format docs lock sim node dev clean
MAKEFLAGS += --no-builtin-rules

PY := .venv/bin/python

help: ## show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: node ## a sealed message reaches someone who was away, carried by a stranger
	@$(PY) -m examples.demo

test: sim peers ## every check and every test; what CI runs
	@sh tools/check all

lint: sim ## the static checks only
	@sh tools/check static

format: dev ## write the code as the checks want it
	@$(PY) -m ruff check --fix -q . && $(PY) -m ruff format -q .

bench: sim ## measure speed and print it beside the reference
	@$(PY) -m benchmarks

interop: dev ## try the credentials against independent implementations from npm (needs Node.js)
	@sh tools/interop && $(PY) -m pytest tests/interop

peers:
	@sh tools/interop --if-possible

fuzz: dev ## feed hostile bytes to every decoder, FUZZ_S seconds each (default 60)
	@sh tools/fuzz

docs: dev ## write the generated pages anew (command line reference)
	@sh tools/docs

node: ## set up what a node needs
	@sh tools/setup node

dev: ## set up what developing and testing needs
	@sh tools/setup dev

sim: ## set up what developing and testing needs, with the simulator's libraries
	@sh tools/setup dev sim

lock: dev ## resolve requirements/*.lock anew; LOCK_OPTIONS=--upgrade takes newer versions
	@sh tools/lock $(LOCK_OPTIONS)

clean: ## remove what was set up and what the checks left behind
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
		.grimp_cache .coverage .coverage.* build *.egg-info out tests/interop/node_modules
