# Every target brings .venv up to date first, which takes a moment when it is.
VENV := .venv
BIN := $(VENV)/bin
CHECKPOINTS := smollm2-135m gemma3-270m
PACKAGES := -p rung.cascade -p rung.models -p rung.lsp
PULL = for name in $(CHECKPOINTS); do $(BIN)/rung models pull $$name || exit 1; done
NPM := --ignore-scripts --no-audit --no-fund --silent
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo bench test test-editors editors server pictures editor-times test-fast vsix lint format install clean venv dev

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: venv ## install, fetch two small models, and show the ladder at work
	@$(BIN)/python scripts/install.py demo
	@$(PULL)
	@$(BIN)/rung demo $(ARGS)

bench: venv ## the table of the README: either rung alone, and the ladder
	@$(BIN)/python scripts/install.py demo
	@$(PULL)
	@$(BIN)/rung bench ladder $(ARGS)

test: dev ## all tests; ARGS="-k sandbox" are pytest's
	@$(PULL)
	@$(BIN)/python -P -m pytest $(ARGS)

test-editors: dev ## the plugins in the real editors, which are fetched first
	@$(PULL)
	@assignments=$$($(MAKE) --silent editors) && eval "$$assignments" && $(BIN)/python -P -m pytest tests/editors $(ARGS)

editors: venv ## fetch those editors and print their places: needs Debian's mirrors, npm, tmux and chromium
	@$(BIN)/python scripts/install.py dev editors >&2
	@scripts/get-editors.sh "$${XDG_CACHE_HOME:-$$HOME/.cache}/rung" $(abspath $(BIN))/python

server: venv ## install what `rung serve-model` needs, torch among it, so that `make test` tries it too
	@$(BIN)/python scripts/install.py dev gpu

pictures: dev ## the README's pictures of the real editors, made anew
	@$(PULL)
	@assignments=$$($(MAKE) --silent editors) && eval "$$assignments" && $(BIN)/python scripts/pictures.py

editor-times: dev ## from the last key to grey text in the real editors: a table
	@$(PULL)
	@assignments=$$($(MAKE) --silent editors) && eval "$$assignments" && $(BIN)/python scripts/editor_times.py

test-fast: dev ## the tests that need no model, sandbox or server process
	@$(BIN)/python -P -m pytest -m "not real" $(ARGS)

vsix: venv ## the VS Code extension: editors/vscode/dist/rung.vsix
	@$(BIN)/python scripts/install.py
	@scripts/make-vsix.sh $(BIN)/rung

lint: server ## formatting, lint and types; changes nothing
	@status=0; \
	$(BIN)/python -m ruff format --check . || status=1; \
	$(BIN)/python -m ruff check . || status=1; \
	types=$$($(BIN)/python -m mypy --strict $(PACKAGES)) || status=1; \
	echo "$$types" | sed 's|^build/__editable__[^/]*/rung/||'; \
	if command -v npm >/dev/null; then (cd editors/vscode && npm ci $(NPM) && npm run --silent check) || status=1; \
	else echo "npm is not here: the VS Code extension is not checked."; fi; \
	exit $$status

format: dev ## format, and mend what the linter can
	@$(BIN)/python -m ruff format .
	@$(BIN)/python -m ruff check --fix .

install: venv ## rung alone, in .venv: llama.cpp is built for this processor
	@$(BIN)/python scripts/install.py

clean: ## remove .venv and everything built; fetched models and built wheels stay in the cache folder
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

dev: venv
	@$(BIN)/python scripts/install.py dev

venv:
	@$(BIN)/python -c 'import pip' 2>/dev/null || scripts/make-venv.sh $(VENV) >&2
