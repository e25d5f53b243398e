# Each target does all of its own set-up. `make demo` first; then `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= auto
# no: neither build this test bed nor run the tests that need it.
KUBERNETES ?= yes
SPINNAKER ?= yes
WITH := $(if $(filter no,$(KUBERNETES)),,kubernetes) $(if $(filter no,$(SPINNAKER)),,spinnaker)
WITHOUT := $(filter-out $(WITH),kubernetes spinnaker)
SPACE := $(subst ,, )

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

test: testbed
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal \
	  $(if $(WITHOUT),-m 'not ($(subst $(SPACE), or ,$(WITHOUT)))') $(TESTS)

# Built once into the user's cache directory. Without Go, or a JDK, Maven and redis: a line that
# says so.
testbed: setup
	@$(if $(filter kubernetes,$(WITH)),$(BIN)/python -m tests.testbed.kubernetes.bed_build)
	@$(if $(filter kubernetes,$(WITH)),$(BIN)/python -m tests.testbed.kubernetes.registry_build)
	@$(if $(filter spinnaker,$(WITH)),$(BIN)/python -m tests.testbed.spinnaker.spinnaker_build)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
