# make demo   train on real handwriting for under a minute, and look at what was learned
# make test   lint, types and the whole quick test suite
# make slow   the proofs that take minutes
# make setup  only make .venv and install the package into it

PYTHON ?= python3
CONSTRAINTS ?= constraints.txt
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo test slow check clean

setup: $(READY)

$(READY): pyproject.toml $(CONSTRAINTS)
	@test -d $(VENV) || $(PYTHON) scripts/make_venv.py $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS)) --editable '.[dev]'
	@touch $(READY)

demo: setup
	$(BIN)/python benchmarks/demo.py

test: setup
	scripts/check

slow: setup
	$(BIN)/python -m pytest -m slow

check: test

clean:
	rm -rf $(VENV) build dist
