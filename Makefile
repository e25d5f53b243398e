# Each target does all of its own set-up. `make demo` first; then `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= auto
# no: neither build the Kubernetes test bed nor run the tests that need it.
KUBERNETES ?= yes
WITHOUT := $(filter no,$(KUBERNETES))

.PHONY: demo test testbed check bench setup clean
setup: $(VENV)/ready

# The stamp stands for: everything is installed as these files say.
$(VENV)/ready: pyproject.toml constraints.txt $(wildcard plugins/*/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 …" >&2; exit 1; }
	@echo "setting up $(VENV) (a minute, once)"
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/python -m pip install --quiet \
	  --disable-pip-version-check -e '.[dev]' $(addprefix -e ,$(dir $(wildcard plugins/*/pyproject.toml)))
	@touch $@

demo: setup
	$(BIN)/python config/demo/run.py

test: setup $(if $(WITHOUT),,testbed)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal \
	  $(if $(WITHOUT),-m 'not kubernetes') $(TESTS)

# Built once into the user's cache directory; of no effect without Go, but for a line that says so.
testbed: setup
	@$(BIN)/python tests/testbed/kubernetes/bed_build.py

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
