# Everything runs from .venv, made from the hashed constraints files; PYTHON picks the interpreter.
PYTHON ?= python3
BIN := .venv/bin
# llama-cpp-python compiles from source: leave out what the program never calls.
export CMAKE_ARGS ?= -DLLAVA_BUILD=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_CURL=OFF
INSTALL := scripts/with_clock .venv/install.log $(BIN)/python -m pip install --disable-pip-version-check --no-deps

.PHONY: help install demo demo-full test check format bench bench-replay bench-line bench-engines bench-serve
.PHONY: bench-attack talk-svg bench-talk docs lock clean
.DEFAULT_GOAL := help

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

install: .venv/.installed ## Make .venv and install the program

.venv/.installed: constraints.txt pyproject.toml
	@echo "Installing into .venv, once: packages are fetched, and llama.cpp is compiled (about 5 minutes)."
	@$(PYTHON) -c 'import sys; sys.exit("voicecli needs Python 3.11 to 3.13; run make PYTHON=python3.12") if not (3, 11) <= sys.version_info < (3, 14) else 0'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(INSTALL) --require-hashes -r constraints.txt
	@$(INSTALL) --editable .
	@touch $@

.venv/.installed-dev: constraints-dev.txt .venv/.installed
	@$(INSTALL) --require-hashes -r constraints-dev.txt
	@touch $@

# A person's voice that is in the installed moonshine-voice package.
HUMAN = $(shell $(BIN)/python -c 'import importlib.util as u; print(u.find_spec("moonshine_voice").submodule_search_locations[0])')/assets/beckett.wav

demo: .venv/.installed ## Replay a bundled call: a line a turn, and why the slowest answer was slow
	@echo "The agent's weights, 0.6 GB, are fetched once."
	@$(BIN)/voicecli models pull embedded
	@echo "A recorded patient calls. Its engines load for some 10 seconds; the call then runs faster than it lasted."
	@$(BIN)/voicecli replay plain_turns --brief --out out
	@printf 'Next:  $(BIN)/voicecli talk                  talk to it yourself, as if on the phone\n'
	@printf '       $(BIN)/voicecli replay my_call.wav    a call of your own (stereo: caller left)\n'
	@printf '       $(BIN)/voicecli serve --twilio --ngrok    the agent on your number; docs/how-to/own-number.md\n'

demo-full: .venv/.installed ## Replay that call and a human recording, with every millisecond and decision
	@$(BIN)/voicecli models pull embedded
	@$(BIN)/voicecli replay plain_turns $(HUMAN) --out out

test: .venv/.installed-dev ## Install what the tests need and run them all
	@scripts/apt-packages
	@$(BIN)/voicecli models pull embedded light
	@VOICECLI_REQUIRE_WEIGHTS=1 $(BIN)/pytest

bench: bench-replay bench-line bench-engines bench-serve ## Measure everything that needs no sound card

bench-replay: .venv/.installed-dev ## Measure replay: speed, memory, determinism
	@$(BIN)/voicecli models pull embedded
	@$(BIN)/python -m benchmarks.replay

bench-line: .venv/.installed-dev ## Measure the phone line (SPEECH=folder of human speech)
	@$(BIN)/python -m benchmarks.line $(if $(SPEECH),--speech $(SPEECH))

bench-engines: .venv/.installed-dev ## Measure the engines whose weights are here (SPEECH=…)
	@$(BIN)/python -m benchmarks.engines $(if $(SPEECH),--speech $(SPEECH))

bench-serve: .venv/.installed-dev ## Measure the server under calls
	@$(BIN)/python -m benchmarks.serve load 1 10 50
	@$(BIN)/python -m benchmarks.serve embedded

bench-attack: .venv/.installed-dev ## Measure good calls while the port is attacked
	@$(BIN)/python -m benchmarks.attack

talk-svg: .venv/.installed-dev ## Draw docs/talk.svg from a live call on a virtual sound card
	@scripts/apt-packages
	@$(BIN)/python scripts/draw_talk.py

bench-talk: .venv/.installed-dev ## Measure talks over a loudspeaker, on a virtual sound card
	@scripts/apt-packages
	@$(BIN)/python -m benchmarks.talk

docs: .venv/.installed-dev ## Write what is generated, then make the site and check its links
	@set -e; for page in transitions settings cli journal python; do $(BIN)/python scripts/draw_$$page.py; done
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	@echo "The site is in build/site; to look at it: $(BIN)/mkdocs serve"

check: .venv/.installed-dev ## Lint, types, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/pyright

format: .venv/.installed-dev ## Format the code
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

lock: ## Resolve the dependencies again (needs uv)
	@scripts/lock

clean: ## Remove what make made
	@rm -rf .venv build out *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
