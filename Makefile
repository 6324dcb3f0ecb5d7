PYTHON ?= python3
ARGS ?=
REPO ?=
BIN = .venv/bin
UV = build/uv/bin/uv
LOCK = $(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" $(ARGS)
.DELETE_ON_ERROR:
.PHONY: help lab run quick lint test test-full test-browser study claims notebooks links docs lock format bench book \
	pad oldest clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

# The settings in .jupyter/ keep JupyterLab from asking at its first start whether it may fetch news.
lab: .venv/.lessons  ## open the lessons in JupyterLab (once: 1 to 5 minutes of setup)
	JUPYTER_CONFIG_PATH=.jupyter $(BIN)/jupyter lab notebooks

run: .venv/.lessons  ## run all lessons in full, 15 minutes (ARGS="02 --set epochs=3")
	$(BIN)/mnist-helpers run $(ARGS)

quick: .venv/.lessons  ## run all lessons with small values, 3 minutes
	$(BIN)/mnist-helpers run --quick --jobs 2 $(ARGS)

lint: .venv/.dev  ## check style, spelling and types
	$(BIN)/ruff check && $(BIN)/ruff format --check
	$(BIN)/codespell && $(BIN)/mypy

test: lint  ## check style, run unit tests and quick lessons, 10 minutes
	$(BIN)/python -m pytest -n 2
	$(BIN)/python tests/nbval_lessons.py

test-full: .venv/.dev  ## run slow tests, and the committed notebooks on all of MNIST
	$(BIN)/python -m pytest -m full
	$(BIN)/python tests/nbval_lessons.py --full

test-browser: book  ## test the lessons in JupyterLab and the web book in Chromium
	MNIST_BOOK=build/book/html $(BIN)/python -m pytest tests/test_book.py
	$(BIN)/python -m pytest tests/browser $(ARGS)

study: .venv/.dev  ## make missing runs of the study, hours (ARGS=--quick: a minute)
	$(BIN)/mnist-helpers study $(ARGS)
	$(if $(filter --quick --choice --rerun --output,$(ARGS)),,$(BIN)/python docs/update.py)

claims: .venv/.lessons  ## print what the study expected, and what it found
	$(BIN)/mnist-helpers claims $(ARGS)

notebooks: .venv/.lessons  ## execute the lessons in full as the committed notebooks
	$(BIN)/mnist-helpers run --jobs 1 --output notebooks $(ARGS)

links: .venv/.lessons  ## set launch links, badges, Colab cells (REPO=owner/name, none)
	$(BIN)/python docs/links.py $(REPO)

docs: .venv/.dev  ## write the generated parts of README.md, CONTRIBUTING.md, docs/
	$(BIN)/python docs/update.py

lock: $(UV)  ## write locks from pyproject.toml (ARGS=--upgrade takes newest)
	$(LOCK) --extra tensorflow --extra run --extra lab --group build -o requirements/lessons.lock
	$(LOCK) --all-extras --group dev -c requirements/lessons.lock -o requirements/dev.lock \
		$$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' requirements/lessons.lock)

format: .venv/.dev  ## format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: .venv/.dev  ## measure time, memory and accuracy, 50 minutes (ARGS=layers)
	$(BIN)/python -m benchmarks $(ARGS)
	$(BIN)/python docs/update.py

book: .venv/.dev  ## build the web book, a minute (BUILDER=linkcheck checks links)
	$(BIN)/python -m sphinx -M $(or $(BUILDER),html) docs build/book --fail-on-warning --keep-going --nitpicky --quiet

pad: .venv/.dev  ## train the network of the book's pad on MNIST, two minutes
	$(BIN)/python docs/pad.py

# Old libraries cause warnings in newer ones. The published notebooks were written by the locked versions.
oldest: $(UV)  ## run tests and quick lessons with the oldest allowed versions
	$(PYTHON) -m venv build/oldest
	$(UV) pip compile pyproject.toml --quiet --python build/oldest --extra tensorflow --extra run --extra study \
		--resolution lowest-direct -o build/oldest.txt
	$(UV) pip install --python build/oldest -c build/oldest.txt -e '.[tensorflow,run,study]' --group dev
	build/oldest/bin/python -m pytest -W default --ignore tests/lessons/test_published.py
	build/oldest/bin/mnist-helpers run --quick --answers --jobs 2 --output build/oldest/notebooks

clean:  ## remove .venv, everything that was built, and caches
	rm -rf .venv build .pytest_cache .ruff_cache .mypy_cache

# What the lessons need. The stamp comes last, so that the next call repeats a failed installation.
.venv/.lessons: requirements/lessons.lock pyproject.toml
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("Python %d.%d cannot run the lessons (TensorFlow): install 3.11, 3.12 or 3.13 and name it, as in: make PYTHON=python3.12" % sys.version_info[:2])'
	@echo "Setting up .venv: about 2 GB, once, one to five minutes"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --require-hashes -r requirements/lessons.lock
	$(BIN)/python -m pip install --no-deps --no-build-isolation -e .
	@touch $@

# What tests, the study, the book and benchmarks need on top.
.venv/.dev: .venv/.lessons requirements/dev.lock
	$(BIN)/python -m pip install --require-hashes -r requirements/dev.lock
	@touch $@

# uv only writes locks, so it is not installed into .venv.
$(UV):
	$(PYTHON) -m venv build/uv
	build/uv/bin/python -m pip install uv==0.13.8
