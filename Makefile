# Each target does its own set-up. make PYTHON=python3.12 ... picks the interpreter.
PYTHON ?= python3
VENV := .venv
PYZ := dist/axon.pyz
# Folders are in the list too: a removed file changes only its folder.
SOURCES := build_zipapp.py pyproject.toml \
	$(shell find axon static -name __pycache__ -prune -o -print 2>/dev/null)

# Where processes are killed, stopped and starved; each has a short form in make test.
STORMS := tests/test_ledger_storm.py tests/test_ledger_damage.py tests/test_cli_ledger_faults.py \
	tests/test_task_mcp.py tests/test_failpoints.py tests/test_team_storm.py tests/test_stopped.py \
	tests/test_person.py tests/test_allowance.py tests/test_batch.py tests/test_clock.py \
	tests/test_run.py tests/test_dashboard_live.py tests/test_dashboard_web.py \
	tests/test_github_work.py tests/test_replay_order.py

.PHONY: build demo test check storm fuzz bench docs clean python tools screenshots

build: $(PYZ)

demo: build
	$(PYTHON) $(PYZ) demo $(ARGS)

test: build $(VENV)/ready tools
	AXON_TEST_PYZ=$(PYZ) $(VENV)/bin/python -m pytest -n 2 $(ARGS)

check: build $(VENV)/ready tools
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	AXON_TEST_PYZ=$(PYZ) $(VENV)/bin/python -m pytest -n 2 $(ARGS)

# It takes long; -rP shows the seed of what passed: make storm AXON_STORM_SEED=… repeats it.
storm: build $(VENV)/ready tools
	AXON_STORM=1 AXON_STORM_SEED=$(AXON_STORM_SEED) AXON_TEST_PYZ=$(PYZ) \
		$(VENV)/bin/python -m pytest -n 2 -rP $(or $(STORM),$(STORMS)) $(ARGS)

# What the policy allows, held against real bash: make fuzz COUNT=… SEED=… repeats a hunt.
fuzz: $(VENV)/ready
	$(VENV)/bin/python -m tests.fuzz.policy $(or $(COUNT),100000) $(SEED)

bench: build $(VENV)/ready
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@set -e; for file in tests/bench/[a-z]*.py; do \
		test ! -e "$$file" || AXON_TEST_PYZ=$(PYZ) PYTHONPATH=. $(VENV)/bin/python "$$file"; done

# Pictures of the page for the README, from a project that is made for them.
screenshots: build $(VENV)/ready tools
	AXON_TEST_PYZ=$(PYZ) PYTHONPATH=. $(VENV)/bin/python tests/screenshots.py

docs: $(VENV)/ready
	$(VENV)/bin/python tests/test_docs.py

clean:
	rm -rf build dist $(VENV) .mypy_cache .pytest_cache .ruff_cache *.egg-info
	find axon tests -name __pycache__ -prune -exec rm -rf {} +

# pip alone is needed, to fetch wheels: the system's if there is one, else a bare .venv's.
$(PYZ): $(SOURCES) | python
	@if $(PYTHON) -m pip --version >/dev/null 2>&1; then $(PYTHON) build_zipapp.py --out $@; \
	else $(MAKE) --no-print-directory $(VENV)/bin/pip && $(VENV)/bin/python build_zipapp.py --out $@; fi

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: $(PYTHON) is missing or older than 3.11; name another: make PYTHON=python3.12" >&2; \
		exit 2; }

$(VENV)/bin/pip: | python
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "make: this Python cannot make a venv; on Debian or Ubuntu: apt-get install python3-venv" >&2; \
		exit 2; }
	$(PYTHON) -m venv --clear $(VENV)

# The page is tested in the system's Chromium; axe-core tells whether everybody can use it.
# Where they cannot be had, the tests of the page fail and say so. Without bubblewrap the tests of
# that tier are skipped. All others run.
tools: $(VENV)/ready
	@missing=chromium; \
	for name in chromium chromium-browser google-chrome chrome; do \
		if command -v $$name >/dev/null 2>&1; then missing=; fi; done; \
	command -v npm >/dev/null 2>&1 || missing="$$missing npm"; \
	test "$$(uname)" != Linux || command -v bwrap >/dev/null 2>&1 || missing="$$missing bubblewrap"; \
	if [ -n "$$missing" ] && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends $$missing || true; \
	elif [ -n "$$missing" ]; then \
		echo "make: for tests of the page and of the sandbox, install: $$missing" >&2; \
	fi
	@test -e $(VENV)/axe/node_modules/axe-core/axe.min.js || ! command -v npm >/dev/null || \
		npm install --silent --no-audit --ignore-scripts --prefix $(VENV)/axe axe-core@4.14.1

$(VENV)/ready: pyproject.toml | $(VENV)/bin/pip
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
