# The one file of verbs. Each sets up what it needs in .venv; nothing else is touched.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Containers often set it: then each process that a drill or a test starts would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup permissions drill run serve test test-kubernetes check format verify-evidence bench bench-audit storm fuzz fuzz-worlds page-pictures docs clean

help: ## Show the verbs
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: $(STAMP) ## Create .venv with everything pinned

$(STAMP): requirements.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Firebreak needs Python 3.11, 3.12 or 3.13; {sys.executable} is {v[0]}.{v[1]}. Name another one: make PYTHON=python3.12 ...")'
	@echo "Setting up $(VENV) (about a minute, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@# Microsoft's worker library states >=3.13 in its metadata but is pure Python and runs on 3.11 and 3.12.
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python azure-functions-runtime==1.3.0
	@# The command `firebreak`, from this folder.
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $(STAMP)

drill: $(STAMP) ## Attack a simulated tenant, contain and rebuild, and judge the result (ARGS=--interactive asks for consent; SCENARIO=all: other attacks and ways to recover; TRIGGER=all: by every sender of signals; TWIN=file: an exported principal)
	@$(BIN)/python -m drill $(if $(TWIN),--twin "$(TWIN)") $(if $(MODE),--mode $(MODE)) $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(TRIGGER),--trigger $(TRIGGER)) $(ARGS)

run: $(STAMP) ## Play a quiet-day playbook in the sandbox, and judge it (PLAYBOOK=health_check, or all)
	@$(BIN)/python -m drill.quiet $(or $(PLAYBOOK),all) $(ARGS)

serve: $(STAMP) ## Leave sandbox and host up, seeded, with example calls
	@$(BIN)/python -m drill.serve $(ARGS)

test: $(STAMP) check ## Lint, types and every test
	@$(BIN)/python -m pytest -n 3 --maxschedchunk=1 $(ARGS)

test-kubernetes: $(STAMP) ## Ask the API server of KUBECONFIG=file, or the sandbox's own, what the sandbox claims, and run our responders on it
	@# Of the command line only: an environment's KUBECONFIG may name a cluster that nobody wants to be written to.
	@$(if $(filter command,$(firstword $(origin KUBECONFIG))),TEST_KUBECONFIG="$(abspath $(KUBECONFIG))") $(BIN)/python -m pytest -n 0 -rs tests/test_sandbox_kubernetes_semantics*.py tests/test_sandbox_kubernetes_rollouts.py tests/test_sandbox_kubernetes_jobs.py tests/test_responders_on_any_cluster.py $(ARGS)

check: $(STAMP) ## Format, lint with the import rules, types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy .

permissions: $(STAMP) ## Write roles, conditions, scripts and their page anew from what the responders need
	@$(BIN)/python -m permissions

format: $(STAMP) ## Rewrite the files as `make check` wants them
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

verify-evidence: $(STAMP) ## Check an incident's evidence against its manifest and its journal (BUNDLE=folder)
	@$(BIN)/python -m responders.bundles "$(BUNDLE)" $(ARGS)

bench: $(STAMP) ## Measure as ratios in one run: import cost, alert to contained, recovery of 50 clusters (six minutes)
	@$(BIN)/python -m bench

bench-audit: $(STAMP) ## Measure an audit of 20,000 applications, 50,000 role assignments and 50 clusters against one by one (five minutes)
	@$(BIN)/python -m bench.audit

storm: $(STAMP) ## Let a storm of alerts blow over the app in the sandbox, and count what became of them (N=10000 IDENTITIES=100 KILLS=0)
	@$(BIN)/python -m bench.storm --alerts $(or $(N),10000) --identities $(or $(IDENTITIES),100) --kills $(or $(KILLS),0)

fuzz: $(STAMP) ## Send garbage: to the parsers of signals, and to the HTTP surface as its description allows and otherwise (N=200 SEED=0)
	@FUZZ_EXAMPLES=$$((10 * $(or $(N),200))) $(BIN)/python -m pytest -n 0 -q tests/test_formats_fuzz.py
	@$(BIN)/python -m fuzz.http_run --examples $(or $(N),200) --seed $(or $(SEED),0) $(ARGS)

fuzz-worlds: $(STAMP) ## Play random tenants against attackers that search (N=10 SEED=0 MODE=contain|respond|both); what fails is shrunk into .fuzz/
	@$(BIN)/python -m fuzz --worlds $(or $(N),10) --seed $(or $(SEED),0) --mode $(or $(MODE),both) $(ARGS)

page-pictures: $(STAMP) ## Take the pictures of the pages in docs/images anew, in a real browser
	@$(BIN)/python -m drill.page_pictures

docs: $(STAMP) ## Build the site of docs/ into site/; a warning is an error
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	@$(BIN)/python -m triggers.openapi > docs/reference/openapi.json
	@$(BIN)/python -m triggers.report_document > docs/reference/report.schema.json
	@$(BIN)/sphinx-build -W --keep-going -q -b html docs site
	@echo "site/index.html"

clean: ## Forget drills and servers, keep .venv
	@rm -rf .drill .serve .evidence .fuzz site
