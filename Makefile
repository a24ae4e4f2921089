# Two commands matter: `make demo` and `make test`. Each sets up what it needs, says so, and is quick the second time.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

help:
	@echo "make demo    set up, then run the main job on the bundled pictures"
	@echo "make test    set up, then lint, type-check and run every test"
	@echo "make page    build the studio page into the package, where Node is"
	@echo "make client  check, build and test the TypeScript client, where Node is"
	@echo "make docs    write the generated parts of docs/ and README.md again"
	@echo "make bench   run the benchmarks (half an hour)"
	@echo "make torch   add the CPU build of PyTorch, for the reference tests"
	@echo "make servers fetch ClamAV, Redis, PostgreSQL and Chromium for the tests (Debian; what is installed is used)"
	@echo "make clean   remove what make built"

# The stamp is newer than what it was made from once everything is installed.
$(VENV)/.ready: pyproject.toml constraints.txt scripts/setup
	@PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/setup
	@touch $@

setup: $(VENV)/.ready

demo: setup
	@$(BIN)/python scripts/demo.py

lint: setup
	@echo "==> ruff, pyright, import-linter"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports

test: lint
	@echo "==> tests, two at a time"
	@$(BIN)/pytest -n 2 --dist loadfile -m "not alone" $(PYTEST_ARGS)
	@echo "==> tests that need the machine for themselves"
	@$(BIN)/pytest -m alone $(PYTEST_ARGS)

page:
	@if ! command -v npm >/dev/null || ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)'; then \
		echo "==> studio page: left out, as Node 20 or newer is not here; the API works without it"; \
	else scripts/page; fi

# Everything else works without Node; where it is missing or too old, this says so and is done.
client: setup
	@if ! command -v npm >/dev/null || ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)'; then \
		echo "==> TypeScript client: left out, as Node 20 or newer is not here"; \
	else scripts/client; fi

docs: setup
	@$(BIN)/python scripts/docs.py

# Those that need nothing but this machine; docs/benchmarks.md has the others.
bench: setup
	@for name in networks whole codecs growth throughput cut_out artifacts inpainting watermark scenes matting faces service; do \
		echo "==> $$name"; $(BIN)/python benchmarks/$$name.py; done

torch: setup
	@$(BIN)/pip install --quiet --no-deps -r scripts/torch-requirements.txt

servers:
	@scripts/servers

clean:
	rm -rf $(VENV) demo-results build dist node_modules clients/typescript/dist src/darkroom/server/page .pytest_cache .ruff_cache .hypothesis

.PHONY: help setup demo lint test page client docs bench torch servers clean
