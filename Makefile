# Two commands do everything on a fresh machine: `make trial` and `make test`.
.DEFAULT_GOAL := help
.PHONY: help trial drill test check-machine lint types docs bench clean

VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
# How many tests are run at a time: they wait more than they work.
WORKERS ?= 2

# $(call twice,TESTS,HOW,OPTIONS): those that failed are run again, with the options alone.
define twice
{ $(BIN)/pytest $(1) --cache-clear $(2) $(3) --durations=15 -ra || \
  { test $$? = 1 && echo 'Once more, alone:' && $(BIN)/pytest $(1) --last-failed --last-failed-no-failures=none $(3) -ra; }; }
endef

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

check-machine:
	@missing=""; \
	command -v git >/dev/null || missing="$$missing git"; \
	command -v $(PYTHON) >/dev/null || missing="$$missing python3"; \
	$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || missing="$$missing python3-venv"; \
	if [ -n "$$missing" ]; then \
	  echo "This machine lacks:$$missing. On Debian or Ubuntu:"; \
	  echo "  sudo apt-get install -y git make python3-venv"; exit 1; fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V). Say PYTHON=python3.12, for example."; exit 1; }

$(STAMP): pyproject.toml
	@$(MAKE) --no-print-directory check-machine
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[demo,load]' --group test
	@touch $@

# The rules of accessibility that the HTML report is held to.
$(VENV)/axe: $(STAMP) tests/lab/axe.txt
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement tests/lab/axe.txt
	@touch $@

trial: $(STAMP) ## run the suites against the demo deployment, which is started for the run
	$(BIN)/pytest

drill: $(STAMP) ## the same, and break its parts on purpose while its probes are watched: six minutes
	$(BIN)/pytest --mode=drill

test: $(VENV)/axe ## pass the project's own tests (those that need an engine are skipped where there is none)
	@# Real engines on a busy machine are now and then too late: what fails is tried once more, alone, and said to be.
	@# Drills are timed: after the others, not beside them, and also when some of those failed. What measures is run alone.
	status=0; \
	$(call twice,tests --ignore=tests/integration/drills --ignore=tests/integration/objectives,-n $(WORKERS) --dist loadfile --no-loadscope-reorder,--timeout=300) || status=$$?; \
	$(call twice,tests/integration/drills tests/integration/objectives,-n $(WORKERS) --dist loadfile -m 'not alone',--timeout=600) || status=$$?; \
	$(call twice,tests/integration/objectives,-m alone,--timeout=300) || status=$$?; \
	exit $$status

lint: $(STAMP) ## style, and that generated files are fresh
	$(BIN)/python -m pip install --quiet --group lint
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/python -m seatrial.profile.schema --check
	$(BIN)/python -m tests.printed --check && $(BIN)/python -m seatrial.manual --check

docs: $(STAMP) ## write what is generated: the profile's schema and reference, the requirements, their failures
	$(BIN)/python -m seatrial.profile.schema
	$(BIN)/python -m tests.printed && $(BIN)/python -m seatrial.manual

types: $(STAMP) ## mypy, strict
	$(BIN)/python -m pip install --quiet --group types
	$(BIN)/mypy

bench: $(STAMP) ## benchmarks, each beside a peer
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/pytest benchmarks

clean: ## remove what set-up made
	rm -rf $(VENV) .tox build dist
