# Every target installs what it needs into .venv first; a second run finds it there.
# Another interpreter: make test PYTHON=python3.12
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test thorough check bench campaign endurance spark openapi sample coverage
export PYTHON
# Where it is set, every process that a test or the demo starts compiles five hundred modules
# of ours again, a second each time: no module is kept compiled.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONUTF8 := 1

BIN := .venv/bin
RUN := .venv/.installed-run
DEV := .venv/.installed-dev
SPARK := .venv/.installed-spark

# A sixth of its time a test waits: for a commit, a lease that ends, a server that begins. The
# sessions that Postgres has are enough for four.
SPREAD = -n $$($(BIN)/python -c 'import os; print(min(4, (os.cpu_count() or 2) + 1))') --dist worksteal

write_openapi = from pathlib import Path; from service.app import write_openapi; write_openapi(Path("$(1)"))

help: ## this list
	@echo 'Goodfit: who are we for, and who are we not for'
	@echo
	@sed -nE 's/^([a-z]+):.*## (.*)$$/  make \1\t\2/p' Makefile | expand -t 18

demo: $(RUN) ## serve with rule sets, leads and accounts to try; Ctrl-C stops everything
	@exec $(BIN)/goodfit demo

test: $(DEV) ## every test, on a process more than there are processors, against a Postgres of its own
	@$(BIN)/python -m pytest $(SPREAD)

thorough: $(DEV) ## the same tests, with the figures that are promised rather than those for every day
	@GOODFIT_CAMPAIGN=$${GOODFIT_CAMPAIGN:-1} $(BIN)/python -m pytest $(SPREAD)

check: $(DEV) ## lint, formatting, types, import contracts, generated files
	@echo '  ruff';          $(BIN)/ruff check --quiet .
	@echo '  formatting';    $(BIN)/ruff format --quiet --check .
	@echo '  types';         $(BIN)/mypy --no-error-summary
	@echo '  imports';       $(BIN)/lint-imports --no-cache >.venv/imports.log || { cat .venv/imports.log; exit 1; }
	@echo '  openapi';       rm -rf .venv/openapi; $(BIN)/python -c '$(call write_openapi,.venv/openapi)'; \
	    diff -r openapi .venv/openapi >.venv/openapi.diff || { head -n 40 .venv/openapi.diff; \
	    echo 'the descriptions in openapi/ are not those of the code; run make openapi and commit'; exit 1; }

bench: $(DEV) ## Goodfit beside its peers, in twelve lines; a few minutes: make bench ARGS=--quick
	@$(BIN)/python -m benchmarks $(ARGS)
	@$(BIN)/python -m benchmarks.by_meaning $(ARGS)

campaign: $(DEV) ## hold every form of a rule set against the others, 20 million times; goes on where it stopped
	@$(BIN)/python -m tests.parity.campaign

endurance: $(DEV) ## rescore a million accounts twice, one run killed on the way, and compare them
	@$(BIN)/python -m tests.faults.rescoring_campaign $(ARGS)

spark: $(SPARK) ## install Spark too, half a gigabyte, so that its tests run; needs Java 17

openapi: $(DEV) ## renew openapi/ after a change of routes or schemas
	@$(BIN)/python -c '$(call write_openapi,openapi)'

coverage: $(DEV) ## the lines and branches that no test reaches; slower than make test
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -q
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

sample: $(DEV) ## renew the answers printed in the README and the guide
	@$(BIN)/python -m tests.docs.sample

# An installation for tests serves as well; the other way round it lacks the tools.
$(RUN): pyproject.toml constraints.txt
	@if [ $(DEV) -nt pyproject.toml ] && [ $(DEV) -nt constraints.txt ]; then touch $@; else .ci/install run; fi

$(DEV): pyproject.toml constraints.txt
	@.ci/install dev

$(SPARK): $(DEV)
	@.ci/install spark
