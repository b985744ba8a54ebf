# Two commands on a fresh machine with Python 3.11 to 3.13 and make: `make run` and `make test`.
# Everything is set up in .venv; the stamp files in it make a repeat quick.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
# Bytecode is made where a module is first imported, which is a few of those that come with the dependencies.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
OUT := results

.PHONY: help run test lowest locked lock audit fuzz lint docs pages links bench clean

help:
	@echo "make run    train the ensemble and draw Fig. 2 of paper 1 into $(OUT)/"
	@echo "make test   run the tests (ARGS='-k step' hands options to pytest, ARGS='-m slow' runs those that take long)"
	@echo "make lowest the tests with the lowest versions that pyproject.toml allows, in an environment of their own"
	@echo "make pages  look at the built documentation in a browser: widths, contrast, console, search"
	@echo "make locked the tests with the versions of requirements-ci.txt, every file checked by its digest"
	@echo "make lock   write requirements-ci.txt anew"
	@echo "make audit  look the locked versions up in a database of known flaws"
	@echo "make fuzz   random files, stores and calls for MINUTES=20, as every night"
	@echo "make lint   ruff, and mypy against the installed wheel"
	@echo "make docs   the documentation into $(OUT)/docs/, gallery and all; warnings are errors"
	@echo "make links  whether the other sites answer that the documentation points to"
	@echo "make bench  the asv suite, full timings (ARGS='--bench Step' selects)"
	@echo "make clean  remove .venv, $(OUT)/ and build products"

run: $(VENV)/run.stamp
	$(BIN)/ohmlearn figure fig2 --output $(OUT) $(ARGS)

# Hundreds of processes start in the tests: without bytecode each compiles the sources of all that it imports.
test: $(VENV)/test.stamp
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest $(ARGS)

lowest: $(BIN)/python
	$(BIN)/python -m venv $(VENV)/lowest
	$(BIN)/python -c "import re; [print(f'{n}=={v}') for n, v in \
	    re.findall(r'\"([\w-]+)>=([\d.]+)\"', open('pyproject.toml').read()) if n != 'setuptools']" > $(VENV)/lowest/versions
	$(VENV)/lowest/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(VENV)/lowest/versions \
	    --editable '.[test,mpich]'
	$(VENV)/lowest/bin/pytest $(ARGS)

locked: $(BIN)/python
	$(BIN)/python -m venv $(VENV)/locked
	$(VENV)/locked/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-ci.txt
	$(VENV)/locked/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	$(VENV)/locked/bin/pytest $(ARGS)

$(VENV)/tools.stamp: | $(BIN)/python
	$(BIN)/python -m venv $(VENV)/tools
	$(VENV)/tools/bin/python -m pip install --quiet --disable-pip-version-check uv pip-audit
	@touch $@

lock: $(VENV)/tools.stamp
	$(VENV)/tools/bin/uv pip compile pyproject.toml --extra test --extra mpich --extra dev --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade --quiet --output-file requirements-ci.txt
	sed -i '1i # Versions and digests of all that the tests need, for continuous integration; `make lock` writes it anew.' \
	    requirements-ci.txt

audit: $(VENV)/tools.stamp
	$(VENV)/tools/bin/pip-audit --requirement requirements-ci.txt --disable-pip

fuzz: $(VENV)/test.stamp
	$(BIN)/python tests/fuzz_all.py $(or $(MINUTES),20)

lint: $(VENV)/dev.stamp $(VENV)/wheel.stamp
	$(BIN)/ruff check .
	$(BIN)/mypy --python-executable $(VENV)/wheel/bin/python -p ohmlearn
	$(BIN)/mypy --python-executable $(VENV)/wheel/bin/python tests/typed_face.py

docs: $(VENV)/docs.stamp
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs $(OUT)/docs $(ARGS)
	@echo "wrote $(OUT)/docs/index.html"

pages: $(VENV)/docs.stamp
	$(BIN)/python docs/_ext/check_pages.py results/docs

links: $(VENV)/docs.stamp
	$(BIN)/python -m sphinx -q -b linkcheck -D plot_gallery=0 docs $(OUT)/links $(ARGS)

bench: $(VENV)/dev.stamp
	$(BIN)/asv machine --yes
	$(BIN)/asv run --python=same --show-stderr --set-commit-hash=$$(git rev-parse HEAD) $(ARGS)
	$(BIN)/asv publish
	@echo "wrote .asv/html; $(BIN)/asv preview shows it"

clean:
	rm -rf $(VENV) $(OUT) docs/api/generated docs/api/names.rst docs/api/figures.inc docs/auto_gallery docs/measured docs/made docs/sg_execution_times.rst build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .asv

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 to 3.13 found; install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Installed in place: edited sources need no new installation, a changed pyproject.toml brings one.
$(VENV)/run.stamp: pyproject.toml | $(BIN)/python
	@echo "Installing ohmlearn and what it needs into $(VENV) (a minute or so the first time)"
	$(PIP) --editable '.[mpich]'
	@touch $@

$(VENV)/test.stamp: pyproject.toml | $(BIN)/python
	@echo "Installing ohmlearn and what its tests need into $(VENV) (a minute or so the first time)"
	$(PIP) --editable '.[test,mpich]'
	@touch $@ $(VENV)/run.stamp

$(VENV)/dev.stamp: $(VENV)/test.stamp
	$(PIP) --editable '.[test,mpich,dev]'
	@touch $@

$(VENV)/docs.stamp: $(VENV)/run.stamp
	@echo "Installing what the documentation needs into $(VENV)"
	$(PIP) --editable '.[mpich,docs]'
	@touch $@

# A second, light environment: the wheel as a user gets it, with the dependencies of the first one.
$(VENV)/wheel.stamp: $(VENV)/dev.stamp pyproject.toml $(shell find kernels model solvers parallel drivers -name '*.py' 2>/dev/null)
	rm -rf $(VENV)/dist
	$(BIN)/python -m build --outdir $(VENV)/dist . > $(VENV)/build.log 2>&1 || { cat $(VENV)/build.log; exit 1; }
	test -x $(VENV)/wheel/bin/python || $(BIN)/python -m venv $(VENV)/wheel
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(VENV)/wheel/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/dependencies.pth"
	$(VENV)/wheel/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall $(VENV)/dist/*.whl
	@touch $@
