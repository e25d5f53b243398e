# Each target does all of its own set-up. `make demo` first; then `make test`.
#
# The settings here are for the command line: `make test TESTS=tests/core`. The environment changes
# none of them, for there such names are of somebody else.
PYTHON := # what .venv was made with, else python3
VENV := .venv
$(if $(filter 1,$(words $(VENV))),,$(error VENV=$(VENV): the name of one directory, without spaces))
TESTS := # all
PROOF := # all that are outdated
VERSION := # of a release
BIN := $(VENV)/bin
# One more than there are cores: while a test waits for a tool, another one computes.
WORKERS = $(shell expr $$(nproc) + 1)
# No test is started after this: the run fails and names its slowest tests. What runs then may go on
# for as long as a single test may (pyproject.toml; 900 s for the kill tests), but not beyond TOO_LONG.
HARD_STOP_SECONDS := 2100
TOO_LONG = $(BIN)/python -m tools.hard_stop 2700
# no: neither build this test bed nor run the tests that need it.
KUBERNETES := yes
SPINNAKER := yes
# no: leave out the tests that need root. Only root can run them: pytest -m root.
ROOT := yes
$(foreach SWITCH,KUBERNETES SPINNAKER ROOT,$(if $(filter-out yes no,$($(SWITCH))),\
  $(error $(SWITCH)=$($(SWITCH)): yes or no)))
WITH := $(if $(filter no,$(KUBERNETES)),,kubernetes) $(if $(filter no,$(SPINNAKER)),,spinnaker) \
  $(if $(filter no,$(ROOT)),,root)
BEDS := $(filter-out root,$(WITH))
WITHOUT := $(filter-out $(WITH),kubernetes spinnaker root)
SPACE := $(subst ,, )

RUN = $(TOO_LONG) $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal --durations 10 \
  --session-timeout $(HARD_STOP_SECONDS)

# Without compiled modules each of the thousands of interpreters that the tests start would compile
# all of ours again: half of the whole time.
unexport PYTHONDONTWRITEBYTECODE
# The tests read and write UTF-8 in whatever locale they are started.
export PYTHONUTF8 := 1

.PHONY: demo test quick proof proof-current testbed check wire map bench setup clean
setup:
	@sh setup.sh $(VENV) $(PYTHON)

demo: setup
	$(BIN)/python config/demo/run.py

# A part needs no test bed to be built first: what lacks one says so.
test: $(if $(TESTS),setup,testbed)
	$(RUN) $(if $(WITHOUT),-m 'not ($(subst $(SPACE), or ,$(WITHOUT)))') $(TESTS)
	$(if $(TESTS),,$(BIN)/python -m pytest -qq tests/after_the_run.py)

# Before a commit: all that takes no longer than a moment, and one smoke of each layer.
quick: setup
	$(RUN) --effort quick -m 'not (slow or kubernetes or spinnaker)' $(TESTS)

# The long forms, each a line of docs/proof.md. Goes on where it was broken off; PROOF=NAME runs one.
# An unknown NAME is refused before a test bed is built; a known one names the bed that it needs.
proof: setup
	@$(BIN)/python -m tests.proof --current $(PROOF) >/dev/null; test $$? -ne 2
	@$(MAKE) --no-print-directory BEDS='$(BEDS_OF_PROOF)' testbed
	$(BIN)/python -m tests.proof $(PROOF)

BEDS_OF_PROOF = $(if $(PROOF),$(if $(findstring helm,$(PROOF)),kubernetes) \
  $(if $(findstring spinnaker,$(PROOF)),spinnaker),$(BEDS))

# Fails when the code has changed since it was proven.
proof-current: setup
	$(BIN)/python -m tests.proof --current

# Built once into the user's cache directory. Without Go, or a JDK, Maven and redis: a line that
# says so.
testbed: setup
	@$(if $(filter kubernetes,$(BEDS)),$(BIN)/python -m tests.testbed.kubernetes.bed_build)
	@$(if $(filter kubernetes,$(BEDS)),$(BIN)/python -m tests.testbed.kubernetes.registry_build)
	@$(if $(filter spinnaker,$(BEDS)),$(BIN)/python -m tests.testbed.spinnaker.spinnaker_build)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The command line's types of what the daemon answers, from the API's (a test compares them).
wire: setup
	$(BIN)/python -m tools.client_wire

# The layers and who imports whom, drawn into CONTRIBUTING.md (a test compares it).
map: setup
	$(BIN)/python -m tools.map

bench: setup
	$(BIN)/python -m benchmarks

.PHONY: release
# make release VERSION=1.2.3: changelog, versions, commit, tag and wheels. Nothing is uploaded.
release: setup
	@$(BIN)/python -m tools.release "$(VERSION)" --date "$$(date +%F)"

clean:
	@if [ -e $(VENV)/made-for ]; then rm -rf $(VENV); \
	elif [ -e $(VENV) ]; then echo "$(VENV) stays: make setup has not made it"; fi
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
