# make demo   train on real handwriting for under a minute, and look at what was learned
# make test   lint, types and the whole quick test suite
# make slow   the proofs that take minutes
# make docs   the pages as a site, in build/site; its search wants it served: python -m http.server --directory build/site
# make release  wheel and source archive in dist, the same bytes for the same commit, and their SHA-256
# make setup  only make .venv and install the package into it, with all it can use; the others add what they need

PYTHON ?= python3
CONSTRAINTS ?= constraints.txt
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TOOLS := $(VENV)/.tools
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS)) --editable

.PHONY: setup demo test slow check docs release clean

setup: $(READY)

$(READY): pyproject.toml $(CONSTRAINTS)
	@test -d $(VENV) || $(PYTHON) scripts/make_venv.py $(VENV)
	$(INSTALL) '.[all]'
	@touch $(READY)

# Linters, types, and a driver for browsers: 370 MB that only the project's own tests want.
$(TOOLS): $(READY)
	$(INSTALL) '.[dev]'
	@touch $(TOOLS)

demo: setup
	$(BIN)/python benchmarks/demo.py

test: $(TOOLS)
	scripts/check

slow: $(TOOLS)
	$(BIN)/python -m pytest -m slow

check: test

docs: $(READY)
	$(INSTALL) '.[docs]'
	$(BIN)/python scripts/docs_site.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

release: $(READY)
	$(INSTALL) '.[release]'
	rm -rf dist
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m build .
	cd dist && sha256sum *.whl *.tar.gz > SHA256SUMS && cat SHA256SUMS

clean:
	rm -rf $(VENV) build dist
