# Every target makes what it needs; the second run of any is instant. Nothing here needs root
# except the installation of a browser, which says so.

VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
PYTEST := $(BIN)/python -m pytest
PIP := $(BIN)/python -m pip install --disable-pip-version-check -qq -c constraints.txt
SOURCES := pyproject.toml constraints.txt
NODE_MODULES := tests/judges/node_modules/.package-lock.json
BENCHES := classify nearest durable sandbox notice books
PYTHONS := python3.13 python3.12 python3.11 python3 python

# The first Python that starts and is new enough; `make PYTHON=/path/to/python` overrides it.
find_python = for p in $(or $(PYTHON),$(PYTHONS)); do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; \
	done

# Where it is set, every process of the tests would compile the whole bot anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test check audit format test-browser chromium judges torture bench clean $(BENCHES)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/.setup ## make .venv with all that running, testing and checking need

run: $(VENV)/.run ## start the bot; without BOT_TOKEN, the bot and a local stand-in of Telegram
	$(BIN)/python -m bot run $(ARGS)

test: $(VENV)/.test ## every test that needs neither network nor browser (ARGS=... goes to pytest)
	$(PYTEST) -n 3 --dist loadgroup $(ARGS)

check: $(VENV)/.test $(VENV)/.check ## lint, format, types, import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

audit: $(VENV)/.run $(VENV)/.audit ## every pinned package against the known vulnerabilities; needs the network
	@out="$$($(BIN)/pip-audit --progress-spinner off --disable-pip --no-deps -r constraints.txt $(ARGS) 2>&1)"; \
	code=$$?; echo "$$out"; \
	case "$$out" in *"known vulnerabilit"*) ;; \
	*) echo "make audit: NOT AUDITED. Is there a way to the network, where the vulnerabilities are listed?" >&2 ;; \
	esac; exit $$code

format: $(VENV)/.check ## rewrite the code in the house's format
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

test-browser: $(VENV)/.test $(VENV)/.browser ## the phone page in a real Chromium
	@$(need_chromium)
	CHROMIUM="$$($(find_chromium))" $(PYTEST) -n 2 --dist loadfile -m browser tests/e2e $(ARGS)

chromium: ## install Chromium and a Chinese font where they are missing (Debian, as root)
	@$(need_chromium)

judges: $(VENV)/.test $(NODE_MODULES) ## programs we did not write (aiogram, telegram-test-api) judge bot and stand-in
	@$(call need_tests,tests/judges)
	$(PYTEST) --timeout 600 tests/judges $(ARGS)

torture: $(VENV)/.test ## the long form of the kill and load tests, on both databases (KILLS=... STOPS=... SECONDS=... shorten it)
	@$(call need_tests,tests/torture)
	TMPDIR=$${TMPDIR:-/tmp} $(PYTEST) --timeout 3600 tests/torture $(ARGS)

bench: $(VENV)/.run $(VENV)/.bench ## measure beside the peers and limits; make bench classify for one bench
	$(BIN)/python -m bot bench $(filter $(BENCHES),$(MAKECMDGOALS)) $(ARGS)

$(BENCHES): bench
	@:

clean: ## remove the environment and all caches; data/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- environment: a stamp per set of packages ---------------------------------------------------

$(BIN)/python:
	@python="$$($(find_python))"; \
	if [ -z "$$python" ]; then \
		echo "Suda needs Python 3.11 or newer; none of these is: $(or $(PYTHON),$(PYTHONS))." >&2; \
		echo "Install one (Debian: apt-get install python3 python3-venv) or say make PYTHON=..." >&2; \
		exit 1; \
	fi; \
	"$$python" -m venv $(VENV) || { \
		rm -rf $(VENV); \
		echo "$$python cannot make an environment (Debian: apt-get install python3-venv)." >&2; \
		exit 1; \
	}
	$(PIP) --upgrade pip

$(VENV)/.run: $(SOURCES) | $(BIN)/python
	$(PIP) -e .
	@touch $@

$(VENV)/.test $(VENV)/.check $(VENV)/.browser $(VENV)/.bench $(VENV)/.audit: $(VENV)/.%: $(SOURCES) | $(BIN)/python
	$(PIP) -e '.[$*]'
	@touch $@

# All sets in one pass of pip: each pass of its own takes ten seconds.
$(VENV)/.setup: $(SOURCES) | $(BIN)/python
	$(PIP) -e '.[test,check,browser]'
	@touch $(VENV)/.run $(VENV)/.test $(VENV)/.check $(VENV)/.browser $@

# npm's own list of what is installed is the stamp.
$(NODE_MODULES): tests/judges/package.json tests/judges/package-lock.json
	@$(need_node)
	npm ci --prefix tests/judges --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# One pip at a time, whatever -j says.
.NOTPARALLEL:

# -- what cannot be installed by pip ------------------------------------------------------------

need_tests = [ -n "$$(find $1 -name 'test_*.py' 2>/dev/null)" ] || { \
	echo "make $@: nothing was run, $1 holds no tests." >&2; exit 1; }

define need_node
node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18)' 2>/dev/null \
	&& npm --version >/dev/null 2>&1 && exit 0; \
echo "make judges: NOT RUN. It needs Node.js 18 or newer with npm, for the second server." >&2; \
echo "Debian, as root: apt-get install nodejs npm; elsewhere: Node's own installer." >&2; \
exit 1
endef

# `make CHROMIUM=/path/to/chromium` overrides it.
find_chromium = command -v "$${CHROMIUM:-chromium}" || command -v chromium-browser

define need_chromium
ready() { \
	[ -n "$$($(find_chromium))" ] && command -v fc-list >/dev/null && [ -n "$$(fc-list :lang=zh)" ]; \
}; \
ready && exit 0; \
if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	echo "Installing Chromium and a Chinese font with apt-get"; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		apt-get install -qq -y chromium fontconfig fonts-noto-cjk >/dev/null && ready && exit 0; \
fi; \
echo "make test-browser: NOT RUN. It needs Chromium and a Chinese font, and cannot install them." >&2; \
echo "Debian, as root: apt-get install chromium fontconfig fonts-noto-cjk" >&2; \
echo "Elsewhere: install them and say make test-browser CHROMIUM=/path/to/chromium" >&2; \
exit 1
endef
