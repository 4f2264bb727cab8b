# The whole experiment, from nothing to the book. `make` alone lists the targets.
PROFILE ?= demo
# As requires-python in pyproject.toml. PYTHON is python3 where it is one of these, else the newest that is there.
SUITS := (3, 11) <= sys.version_info < (3, 14)
PYTHON ?= $(firstword $(shell for each in python3 python3.13 python3.12 python3.11; do \
  $$each -c 'import sys; sys.exit(not $(SUITS))' 2> /dev/null && echo $$each; done) python3)
VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-bench
LINT := .venv-lint
BUILD ?= $(or $(MASKDET_BUILD),_build)
DONE := $(BUILD)/$(PROFILE)/notebooks
# The book of the drawn faces is Jupyter Book's own _build/html; any other lies in its profile's folder.
SITE := $(if $(filter demo:_build,$(PROFILE):$(BUILD)),.,$(BUILD)/$(PROFILE))
HTML := $(SITE)/_build/html
PDF := $(if $(filter demo,$(PROFILE)),$(BUILD),$(BUILD)/$(PROFILE))/book.pdf
# What lies in BUILD: profiles, tools, and Jupyter Book's own. `clean` removes no more, wherever that is.
MADE := demo larxel wobot smoke drawings detect weights verify tests html jupyter_execute .doctrees .jupyter_cache latex book.pdf
NOTEBOOKS := try 01_data 02_faces 03_resnet 04_attack folds lines comparison 06_truth 07_defence 08_realtime 05_results recorded weights benchmark
COPIES := $(NOTEBOOKS:%=$(DONE)/%.ipynb)

export MASKDET_PROFILE := $(PROFILE)
export MASKDET_BUILD := $(abspath $(BUILD))
# As it was given, whatever `$` it has.
override export PHOTO := $(value PHOTO)
ifdef MASKDET_DATA
export MASKDET_DATA := $(abspath $(MASKDET_DATA))
endif
.DELETE_ON_ERROR:
.PHONY: help book pdf browser test notebooks verify data detect record check weights portraits manifest bench bench-detection lab lint lock clean
# A finished copy is kept when a later one fails or is interrupted.
.SECONDARY:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo "  PROFILE=demo (drawn faces, the default), larxel or wobot (photographs: make data PROFILE=larxel)"

book: $(HTML)/.complete ## run the notebooks and build the book
	@echo "the book is at $(HTML)/index.html"

pdf: browser $(PDF) ## print the book as one PDF (needs chromium)
	@echo "the book is at $(PDF)"

browser: $(VENV)/ready  # that there is one is asked before the minutes that notebooks take
	@$(BIN)/python book/_ext/print_book.py --check

test: $(VENV)/ready ## run the tests
	$(BIN)/python -m pytest tests

notebooks: $(COPIES) ## run the notebooks (into _build/PROFILE/notebooks)

verify: notebooks ## run the notebooks again from nothing and compare every output
	rm -rf $(BUILD)/verify
	MASKDET_BUILD=$(MASKDET_BUILD)/verify $(BIN)/python -m pytest -p no:cacheprovider --nbval \
	  --nbval-current-env --nbval-cell-timeout 14400 $(COPIES)

data: $(VENV)/ready ## fetch the photographs of PROFILE from Kaggle (needs your token)
	@$(BIN)/python -m maskdet.data $(PROFILE)

detect: $(VENV)/ready ## find the faces in PHOTO (a photograph or a folder), masked or bare (into _build/detect)
	@$(BIN)/python -m maskdet.detection -- "$$PHOTO"

record: notebooks ## write this run's numbers to results/PROFILE.json, which is committed
	@$(BIN)/python -m maskdet.results $(PROFILE)

check: $(VENV)/ready ## compare this run's numbers with those recorded in results/PROFILE.json
	@$(BIN)/python -m maskdet.codecheck $(PROFILE)

weights: $(VENV)/ready ## train the shipped weights anew (on larxel and drawn faces; about 100 minutes)
	$(MAKE) --no-print-directory PROFILE=larxel $(BUILD)/larxel/notebooks/02_faces.ipynb
	$(BIN)/python -m maskdet.weights train

portraits: $(VENV)/ready ## test the shipped weights on faces from elsewhere (into results/portraits.json)
	$(BIN)/python -m maskdet.weights test

manifest: $(VENV)/ready ## write codecheck.yml: the recorded outputs, their commands and checksums
	@$(BIN)/python -m maskdet.codecheck

bench: $(DONE)/03_resnet.ipynb $(PEERS)/ready ## measure the attack beside public ones (into results/bench.json; about an hour)
	$(PEERS)/bin/python -m bench $(PROFILE)

bench-detection: $(DONE)/01_data.ipynb ## measure how long a photograph takes, by detector (into results/detection.json)
	$(BIN)/python -m bench.detection $(PROFILE)

lab: $(VENV)/ready ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) book

lint: $(VENV)/ready $(LINT)/ready ## look for faults in code, notebooks and types, without running anything
	$(LINT)/bin/pre-commit run --all-files
	$(LINT)/bin/mypy

lock: ## pin requirements.in into requirements.txt, the same for every Python (needs uv)
	uv pip compile --universal --python-version 3.11 --fork-strategy fewest --generate-hashes requirements.in -o requirements.txt

clean: ## remove what was built (not the environment, nor fetched photographs)
	rm -rf $(addprefix $(BUILD)/,$(MADE)) && if [ -d $(BUILD) ]; then rmdir --ignore-fail-on-non-empty $(BUILD); fi

$(VENV)/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not $(SUITS))' 2> /dev/null || \
	  { echo "expected Python 3.11, 3.12 or 3.13, got $$($(PYTHON) --version 2> /dev/null || echo none): on Debian 12," \
	         "Debian 13 or Ubuntu 24.04 apt install python3-venv, elsewhere say where one is with" \
	         "PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2> /dev/null || \
	  { echo "expected Python with venv, got $$($(PYTHON) --version) without it: on Debian or Ubuntu" \
	         "apt install $$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"; exit 1; }
	@echo "setting up $(VENV): about 3 GB, a few minutes"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The peers of the benchmark, beside everything else, in an environment of their own.
$(PEERS)/ready: requirements.txt bench/requirements.txt pyproject.toml
	@echo "setting up $(PEERS): about 4 GB, a few minutes"
	@$(PYTHON) -m venv --clear $(PEERS)
	@$(PEERS)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	@$(PEERS)/bin/pip install --quiet --disable-pip-version-check --no-deps -r bench/requirements.txt
	@$(PEERS)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(LINT)/ready: .ci/lint-requirements.txt
	@echo "setting up $(LINT): about 100 MB"
	@$(PYTHON) -m venv --clear $(LINT)
	@$(LINT)/bin/pip install --quiet --disable-pip-version-check --no-deps -r .ci/lint-requirements.txt
	@touch $@

# A copy is run again when its notebook, a module that it uses, or the stage before it has changed.
LIBRARY := maskdet/__init__.py maskdet/config.py maskdet/files.py maskdet/counts.py maskdet/results.py maskdet/provenance.py $(wildcard maskdet/figures/*.py) requirements.txt
$(DONE)/01_data.ipynb: $(wildcard maskdet/data/*.py maskdet/drawing/*.py)
$(DONE)/02_faces.ipynb: $(wildcard maskdet/faces/*.py maskdet/faces/cascade/*.py maskdet/faces/shipped/*) maskdet/backend.py $(DONE)/01_data.ipynb
$(DONE)/03_resnet.ipynb: $(wildcard maskdet/models/*.py maskdet/trials/*.py) maskdet/training.py maskdet/hardening.py maskdet/augmentation.py maskdet/evaluation.py maskdet/preprint.py maskdet/workers.py $(DONE)/02_faces.ipynb
$(DONE)/04_attack.ipynb: $(wildcard maskdet/attack/*.py maskdet/incremental/*.py) $(DONE)/03_resnet.ipynb
$(DONE)/folds.ipynb $(DONE)/lines.ipynb: $(DONE)/04_attack.ipynb
$(DONE)/lines.ipynb: results/preprint.json
$(DONE)/comparison.ipynb: maskdet/forward.py $(DONE)/04_attack.ipynb
$(DONE)/06_truth.ipynb: $(wildcard maskdet/proof/*.py) $(DONE)/lines.ipynb
$(DONE)/07_defence.ipynb: $(DONE)/06_truth.ipynb
$(DONE)/08_realtime.ipynb: maskdet/system.py results/detection.json results/preprint.json $(DONE)/03_resnet.ipynb
$(DONE)/05_results.ipynb: $(DONE)/07_defence.ipynb $(DONE)/08_realtime.ipynb maskdet/codecheck.py results/larxel-receipt.json $(filter-out results/$(PROFILE).json,results/larxel.json results/preprint.json) $(DONE)/folds.ipynb $(DONE)/lines.ipynb $(DONE)/comparison.ipynb
$(DONE)/recorded.ipynb: $(DONE)/05_results.ipynb
$(DONE)/weights.ipynb: $(wildcard maskdet/weights/*.py maskdet/attack/*.py maskdet/incremental/*.py) $(wildcard maskdet/models/shipped/*) results/portraits.json $(DONE)/03_resnet.ipynb
$(DONE)/try.ipynb: maskdet/playground.py $(wildcard maskdet/models/*.py maskdet/models/shipped/* maskdet/drawing/*.py maskdet/attack/*.py maskdet/incremental/*.py book/_static/vendor/tfjs/*.wasm) maskdet/data/classes.py maskdet/faces/matching.py maskdet/faces/photograph.py maskdet/backend.py
$(DONE)/benchmark.ipynb: maskdet/benchmark.py results/bench.json results/larxel.json

# That the photographs are there is asked once, before anything is run.
$(DONE)/.there: | $(VENV)/ready
	@$(BIN)/python -m maskdet.data --there $(PROFILE)
	@mkdir -p $(DONE)
	@touch $@

# Papermill saves after every cell: only a copy that ran to its end gets the name that counts.
$(DONE)/%.ipynb: book/%.ipynb $(LIBRARY) | $(VENV)/ready $(DONE)/.there
	@mkdir -p $(DONE)/unfinished
	$(BIN)/papermill --kernel python3 --cwd . -p profile $(PROFILE) $< $(DONE)/unfinished/$*.ipynb
	@mv $(DONE)/unfinished/$*.ipynb $@

PAGES := _config.yml _toc.yml $(shell find book -type f -not -name '.*' -not -path '*/.*')
$(HTML)/.complete: $(COPIES) $(PAGES)
	$(BIN)/jupyter-book build . --path-output $(SITE) --all -W -n --keep-going
	@touch $@

$(PDF): $(COPIES) $(PAGES)
	$(BIN)/jupyter-book build . --builder singlehtml --path-output $(BUILD)/$(PROFILE)/singlehtml --all -W -n --keep-going
	$(BIN)/python book/_ext/print_book.py $(BUILD)/$(PROFILE)/singlehtml/_build/singlehtml $@
