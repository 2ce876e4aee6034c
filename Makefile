# The only way anyone, and CI, runs anything. `make help` lists the targets.
# PYTHON=... chooses the interpreter that .venv is made with; otherwise the first of these that is 3.11 or newer.

SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON ?=
CANDIDATES := $(or $(PYTHON),python3 python3.11 python3.12 python3.13 python3.14)
BIN := .venv/bin
STAMP := .venv/.ketapath-installed

# "ok PATH" for a Python that can make the environment; else one sentence that says what to install.
PROBE = for p in $(CANDIDATES); do "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	v=$$("$$p" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	"$$p" -c 'import ensurepip, venv' 2>/dev/null && { echo "ok $$p"; exit; }; \
	echo "Python $$v cannot make a virtual environment; install its venv part, for example: apt install python$$v-venv"; exit; done; \
	echo "ketapath needs Python 3.11 or newer; install it, for example: apt install python3.11 python3.11-venv"

CSS := src/clinic/web/static/clinic/app.css
DATA_DIR ?= $(CURDIR)/var
HOST ?= 127.0.0.1
PORT ?= 8000
export DATA_DIR HOST PORT

.PHONY: help fit journeys setup tools css lock test test-store released trace sbom scan slow check format-check lint types imports knowledge \
	format run plan bench bench-alerts bench-audit bench-door bench-knowledge bench-pages bench-pharmacology bench-plan bench-records bench-response bench-store \
	bench-trial calibrate calibrate-plan claims docs screenshots picture reference schema ci clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## make .venv with everything, from the hashed lock
	@:

# The package's own build compiles the native kernel, so its source counts among what the environment is made from.
KERNEL := src/ketapath/pharmacology/solver/kernel.c hatch_build.py

$(STAMP): requirements.lock pyproject.toml $(KERNEL)
	$(eval FOUND := $(shell $(PROBE)))$(if $(filter ok,$(firstword $(FOUND))),,$(error $(FOUND)))
	@echo "Setting up .venv with $(lastword $(FOUND)); about a minute the first time"
	@"$(lastword $(FOUND))" -m venv .venv
	@awk '/^[^ ]/ {wanted = /^uv==/} wanted' requirements.lock > .venv/uv.txt
	@if $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt \
	  && $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock; then :; else \
	  echo "uv could not install the lock; trying pip"; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

css: $(CSS)

$(CSS): $(STAMP) $(wildcard src/clinic/web/styles/*.css)
	@$(BIN)/tailwindcss -i src/clinic/web/styles/app.css -o $@ --minify 2> build-css.log || { cat build-css.log; exit 1; }
	@rm -f build-css.log

tools: # the browser and the database that the tests need; installed from Debian where we may, else named
	@for need in chromium:chromium postgresql:pg_ctlcluster; do package=$${need%%:*}; program=$${need##*:}; \
	  command -v $$program >/dev/null && continue; \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing $$package for the tests"; \
	    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$package; } \
	      >/dev/null 2>&1 || { echo "Debian's $$package could not be installed"; exit 1; }; \
	  else echo "The tests need $$package: apt install $$package"; exit 1; fi; done

lock: setup ## write requirements.lock anew from pyproject.toml (UPGRADE=1 takes newer versions)
	@$(BIN)/uv pip compile --quiet pyproject.toml --extra dev --extra clinic --universal --fork-strategy fewest --python-version 3.11 \
	  --generate-hashes --no-header --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade) \
	  --output-file requirements.lock
	@$(BIN)/uv pip compile --quiet pyproject.toml --extra clinic --constraint requirements.lock --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --output-file requirements-clinic.lock
	@$(BIN)/uv pip compile --quiet pyproject.toml --extra research --constraint requirements.lock --universal --fork-strategy fewest --python-version 3.11 \
	  --generate-hashes --no-header --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade) \
	  --output-file requirements-research.lock

test: setup css tools test-store ## run the tests, all but the slow ones; time per folder stands before the last line
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow" $(ARGS)

# What has to hold on PostgreSQL as on SQLite: the store itself, the loop above it, and whatever a form may be sent.
ON_POSTGRES := tests/store tests/clinic/test_loop.py tests/clinic/test_hostile_forms.py

test-store: setup css tools ## the record's tests again, on a PostgreSQL of their own
	@$(BIN)/python -m tests.store.postgres $(BIN)/python -m pytest -q -m "not slow" $(ON_POSTGRES)

trace: setup ## write which test shows which requirement into docs/reference/requirements.md
	@$(BIN)/python -m docs.trace

sbom: setup ## list everything inside, in CycloneDX, into build/sbom.cdx.json
	@mkdir -p build
	@$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible --of JSON \
	  -o build/sbom.cdx.json

scan: setup ## ask for known faults of what is locked; could-not-ask counts as a failure (needs a network and uv)
	@$(BIN)/uv tool run --quiet pip-audit --strict --require-hashes --disable-pip --requirement requirements.lock

released: setup ## keep the record that this very version writes, for the tests of upgrading (VERSION=0.2.0)
	@$(BIN)/python -m tests.store.released $(VERSION)

slow: setup css tools ## run the slow tests
	@$(BIN)/python -m pytest -n 2 -m slow $(ARGS)

check: format-check lint types imports knowledge ## format, lint, types, import contract, knowledge files

format-check: setup
	@$(BIN)/ruff format --check .

lint: setup
	@$(BIN)/ruff check .

types: setup
	@$(BIN)/python -m mypy

imports: setup
	@$(BIN)/lint-imports

knowledge: setup ## check the knowledge files and run their worked cases
	@$(BIN)/ketapath knowledge check

format: setup ## format the code and mend what the linter can mend
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

run: setup css ## open the demonstration clinic on http://127.0.0.1:8000 (PORT, HOST, DATA_DIR, DATABASE_URL)
	@exec $(BIN)/ketapath-clinic demo

screenshots: setup css tools ## pictures of every page, light, dark, phone and print, into build/screenshots
	@$(BIN)/python -m tests.browser.screenshots build/screenshots $(ONLY)

journeys: setup css tools ## walk the ten daily jobs, into docs/reference/journeys.md, with pictures in build/journeys
	@$(BIN)/python -m tests.browser.journeys build/journeys $(ONLY)

picture: setup css tools ## the README's picture, docs/patient.png
	@$(BIN)/python -m tests.browser.screenshots docs/patient.png

reference: setup ## write docs/reference/ from the code and the knowledge
	@{ printf '# Who may do what\n\nWritten by `make reference` from `src/clinic/access/permission.py` and the pages; tests hold them together.\n'; \
	  printf 'Whatever is not named here is refused. An act on a person is further bound to whom and which parts the account\nreaches (`docs/decisions/0030-who-reaches-what.md`). A service comes through the interface, with a token, and has no pages.\n\n'; \
	  DATA_DIR=$$(mktemp -d) $(BIN)/ketapath-clinic roles; } > docs/reference/roles.md
	@$(BIN)/python -m docs.generate

schema: setup ## write the schemas that editors check the knowledge files with
	@$(BIN)/python -m docs.generate schema

fit: setup ## fit the response model to the outcome table again (LEAVE_OUT=1: without each study too; hours, or minutes on a GPU)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-research.lock
	@$(BIN)/ketapath fit population $(if $(LEAVE_OUT),--leave-out-each) $(ARGS)

plan: setup ## plan for an example patient in the terminal (PATIENT=FILE for another)
	@$(BIN)/ketapath plan $(if $(PATIENT),$(PATIENT),examples/patients/treatment-resistant-depression.json --on 2026-11-24)

# Times are those of one core, whatever the linear algebra library would like.
ONE_THREAD := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

bench: setup css ## time the parts that have a budget
	@$(BIN)/python -m benchmarks $(ARGS)
	@$(ONE_THREAD) $(BIN)/python -m benchmarks.pharmacology
	@$(ONE_THREAD) $(BIN)/python -m benchmarks.pages

claims: setup ## how well claims are found in texts that nobody saw while the wordings were made (ARGS=--misses)
	@$(BIN)/python -m benchmarks.claims $(ARGS)

bench-knowledge: setup ## time knowledge and candidacy, and write docs/reference/knowledge-times.md
	@$(BIN)/python -m benchmarks.knowledge $(ARGS)

bench-pages: setup css ## server time of each page with 2,000 people, into docs/reference/page-times.md (ARGS='/today 5' for some)
	@$(ONE_THREAD) $(BIN)/python -m benchmarks.pages $(ARGS)

bench-alerts: setup ## a simulated day of 10,000 alerts with failures at every step, into docs/reference/alert-chain.md (minutes)
	@$(BIN)/python -m benchmarks.alerts 10000 > build-alerts.txt; found=$$?; if [ -s build-alerts.txt ]; then \
	  { printf '# The chain of alerts under failures\n\nWritten by `make bench-alerts`: 10,000 alerts in a simulated day. The worker is killed in the middle of its turns, statements\nfail, the mail server refuses, the clock is set back, accounts are closed. An alert counts as arrived only where somebody outside\nthose processes could have seen it.\n\n```\n'; \
	  cat build-alerts.txt; printf '```\n'; } > docs/reference/alert-chain.md; fi; rm -f build-alerts.txt; exit $$found

bench-response: setup ## time one person's course on one core, and write docs/reference/response-times.md
	@$(ONE_THREAD) $(BIN)/python -m benchmarks.response_person $(ARGS)

bench-records: setup ## time whole records in and out, and write docs/reference/record-times.md
	@$(BIN)/python -m benchmarks.records $(ARGS)

calibrate: setup ## ranks and coverage of one person's course, into docs/reference/response-calibration.md (a minute)
	@$(ONE_THREAD) $(BIN)/python -m benchmarks.response_calibration

bench-pharmacology: setup ## time the solver on one core, and write docs/reference/solver-times.md
	@$(ONE_THREAD) $(BIN)/python -m benchmarks.pharmacology $(ARGS)

bench-plan: setup ## time plans of two hundred ways on one core, and write docs/reference/plan-times.md
	@$(ONE_THREAD) $(BIN)/python -m benchmarks.plan

calibrate-plan: setup ## harms and benefit of plans against fresh people, into docs/reference/plan-calibration.md (minutes)
	@$(ONE_THREAD) $(BIN)/python -m benchmarks.plan_calibration

bench-store: setup tools ## time reading and searching up to a million resources, and write docs/reference/store-times.md
	@$(BIN)/python -m benchmarks.store

bench-trial: setup ## time simulated trials, and write docs/reference/trial-times.md
	@$(ONE_THREAD) $(BIN)/python -m benchmarks.trial

bench-door: setup css ## reads and searches a second through the FHIR door, and write docs/reference/door-times.md
	@$(ONE_THREAD) $(BIN)/python -m benchmarks.door $(ARGS)

bench-audit: setup tools ## time the trail on both databases, and write docs/reference/audit-times.md
	@$(BIN)/python -m benchmarks.audit --write
	@$(BIN)/python -m tests.store.postgres $(BIN)/python -m benchmarks.audit --write

docs: setup ## run every example in the documentation
	@$(BIN)/python -m pytest tests/docs $(ARGS)

ci: ## what CI runs
	@bash .ci/run

clean: ## remove .venv and what the tools left
	rm -rf .venv $(CSS) src/ketapath/pharmacology/solver/kernel.so .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov build dist
