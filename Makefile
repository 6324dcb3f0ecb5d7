PYTHON ?= python3
ARGS ?=
REPO ?=
BIN = .venv/bin
P2C = build/uv/bin/uv tool run pyproject2conda@0.23.2 yaml --name mnist-lessons --channel conda-forge \
	--python-include python~=3.12 --pip-only --custom-command "make lock"
EXTRAS = $(addprefix --extra ,tensorflow run study lab book browser build dev)
COMPILE = build/uv/bin/uv pip compile pyproject.toml --quiet
LOCK = $(COMPILE) --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock"
.DELETE_ON_ERROR:
.PHONY: help run quick test test-full test-browser study claims lab notebooks links lock format bench book oldest clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

run: .venv/.installed  ## run all lessons in full, into build/notebooks/ (ARGS="02_baseline_cnn --set epochs=3")
	$(BIN)/mnist-helpers run $(ARGS)

quick: .venv/.installed  ## run all lessons with small values
	$(BIN)/mnist-helpers run --quick --jobs 2 $(ARGS)

test: .venv/.installed  ## lint, unit tests, and all lessons with small values, their outputs compared
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python -m pytest -n 2
	$(BIN)/python tests/nbval_lessons.py

test-full: .venv/.installed  ## the slow tests, and the committed notebooks as they are, their outputs compared
	$(BIN)/python -m pytest -m full
	$(BIN)/python tests/nbval_lessons.py --full

test-browser: book  ## the lessons in JupyterLab and the web book, in Chromium, which has to be there
	$(BIN)/python -m pytest tests/browser $(ARGS)

study: .venv/.installed  ## make the runs of the study that are missing (hours; ARGS=--quick: a minute)
	$(BIN)/mnist-helpers study $(ARGS)
	$(if $(filter --quick --choice --rerun --output,$(ARGS)),,$(BIN)/python docs/study.py)

claims: .venv/.installed  ## print what the study says of each claim
	$(BIN)/mnist-helpers claims $(ARGS)

lab: .venv/.installed  ## open the lessons in JupyterLab
	$(BIN)/jupyter lab notebooks

notebooks: .venv/.installed  ## execute the lessons and keep them as the committed notebooks
	$(BIN)/mnist-helpers run --jobs 1 --output notebooks $(ARGS)

links: .venv/.installed  ## set all launch links, badges and Colab cells (REPO=owner/name on GitHub, or none)
	$(BIN)/python docs/links.py $(REPO)

format: .venv/.installed  ## put the code into the project's format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: .venv/.installed  ## measure time, memory and accuracy against references (50 minutes; ARGS=layers)
	$(BIN)/python benchmarks/bench.py $(ARGS)

book: .venv/.installed  ## build the web book, build/book/html/index.html (BUILDER=linkcheck: ask its outside links)
	$(BIN)/python -m sphinx -M $(or $(BUILDER),html) docs build/book --fail-on-warning --keep-going --nitpicky --quiet

lock: build/uv/bin/uv  ## write lock and conda files anew from pyproject.toml (ARGS=--upgrade: newest versions)
	$(LOCK) $(EXTRAS) $(ARGS) -o requirements.lock
	$(LOCK) --extra tensorflow --extra run --extra build -c requirements.lock -o binder/requirements.lock
	$(P2C) $(EXTRAS) --pip-dep "-e ." --output environment.yml
	$(P2C) --skip-package --conda-dep pip --output binder/environment.yml

oldest: build/uv/bin/uv  ## unit tests and quick lessons with the oldest versions that pyproject.toml allows
	$(COMPILE) --extra tensorflow --extra run --extra study --resolution lowest-direct -o build/oldest.txt
	$(PYTHON) -m venv build/oldest
	build/oldest/bin/python -m pip install -c build/oldest.txt -e '.[tensorflow,run,study,book,build,dev]'
	build/oldest/bin/python -m pytest --ignore tests/test_lessons.py
	build/oldest/bin/mnist-helpers run --quick --jobs 2 --output build/oldest/notebooks

clean:  ## remove .venv and everything that was built
	rm -rf .venv build .pytest_cache .ruff_cache

# The stamp comes last: an installation that failed is tried again by the next call.
.venv/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("Python %d.%d cannot run the lessons (TensorFlow): install 3.11, 3.12 or 3.13 and name it, as in: make PYTHON=python3.12" % sys.version_info[:2])'
	@echo "Setting up .venv: about 2 GB, once, one to five minutes"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --no-deps --no-build-isolation -e .
	@touch $@

# uv only writes the lock, so it stands apart from what users install.
build/uv/bin/uv:
	$(PYTHON) -m venv build/uv
	build/uv/bin/python -m pip install uv==0.13.8
