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
COPIES := $(patsubst book/%,$(DONE)/%,$(sort $(wildcard book/*.ipynb)))
# What a record is made of; the other notebooks need the records of both sets.
RECORDED := $(patsubst book/%,$(DONE)/%,$(sort $(shell grep -l 'results\.write\>' book/*.ipynb)))
RECORDS := $(wildcard results/*.json results/*/*)
# The book of the drawn faces is Jupyter Book's own _build/html; any other lies in its profile's folder.
SITE := $(if $(filter demo:_build,$(PROFILE):$(BUILD)),.,$(BUILD)/$(PROFILE))
HTML := $(SITE)/_build/html
PDF := $(if $(filter demo,$(PROFILE)),$(BUILD),$(BUILD)/$(PROFILE))/book.pdf

export MASKDET_PROFILE := $(PROFILE)
export MASKDET_BUILD := $(abspath $(BUILD))
# As it was given, whatever `$` it has.
override export PHOTO := $(value PHOTO)
ifdef MASKDET_DATA
export MASKDET_DATA := $(abspath $(MASKDET_DATA))
endif
.DELETE_ON_ERROR:
.SECONDARY:  # a finished copy is kept when a later one fails or is interrupted
.PHONY: help book pdf browser test notebooks verify data detect record check weights picture portraits transfer manifest bench \
  bench-detection lab lint lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo "  PROFILE=demo (drawn faces, the default), larxel or wobot (photographs: make data PROFILE=larxel)"

book: $(HTML)/.complete ## run the notebooks and build the book
	@echo "the book is at $(HTML)/index.html"

pdf: browser $(PDF) ## print the book as one PDF (needs chromium)
	@echo "the book is at $(PDF)"
browser: $(VENV)/ready  # before the minutes that notebooks take
	@$(BIN)/python book/_ext/print_book.py --check
notebooks: $(COPIES) ## run the notebooks (into _build/PROFILE/notebooks)

test: $(VENV)/ready ## run the tests, in two processes
	$(BIN)/python -m pytest -n 2 --no-loadscope-reorder tests
verify: notebooks ## run the notebooks again from nothing and compare every output
	rm -rf $(BUILD)/verify
	MASKDET_BUILD=$(MASKDET_BUILD)/verify $(BIN)/python -m pytest -p no:cacheprovider --nbval \
	  --nbval-current-env --nbval-cell-timeout 14400 $(COPIES)

data: $(VENV)/ready ## fetch the photographs of PROFILE from Kaggle (needs your token)
	@$(BIN)/maskdet fetch $(PROFILE)
detect: $(VENV)/ready ## find the faces in PHOTO (a photograph or a folder), masked or bare (into _build/detect)
	@$(BIN)/maskdet detect -- "$$PHOTO"

record: $(RECORDED) ## write this run's numbers to results/PROFILE.json, which is committed
	@$(BIN)/maskdet record $(PROFILE)
check: $(RECORDED) ## compare this run's numbers with those recorded in results/PROFILE.json
	@$(BIN)/maskdet check $(PROFILE)
manifest: $(VENV)/ready ## write codecheck.yml: the recorded outputs, their commands and checksums
	@$(BIN)/maskdet manifest

weights: $(VENV)/ready ## train the shipped weights anew (on larxel, wobot and drawn faces; about two hours)
	$(MAKE) --no-print-directory PROFILE=larxel $(BUILD)/larxel/notebooks/02_faces.ipynb
	$(MAKE) --no-print-directory PROFILE=wobot $(BUILD)/wobot/notebooks/02_faces.ipynb
	$(BIN)/maskdet weights train
picture: $(VENV)/ready ## draw the face of the README before and after its pixel (into book/_static/one-pixel.png)
	$(BIN)/maskdet weights picture
portraits: $(VENV)/ready ## test the shipped weights on faces from elsewhere (into results/portraits.json)
	$(BIN)/maskdet weights test

transfer: $(VENV)/ready ## test each set's networks on the other's photographs (into results/transfer.json)
	$(MAKE) --no-print-directory PROFILE=larxel $(BUILD)/larxel/notebooks/07_text_and_code.ipynb
	$(MAKE) --no-print-directory PROFILE=wobot $(BUILD)/wobot/notebooks/07_text_and_code.ipynb
	$(BIN)/maskdet transfer

bench: $(DONE)/03_networks.ipynb $(PEERS)/ready ## measure the attack beside others (into results/bench.json; an hour)
	$(PEERS)/bin/python -m bench $(PROFILE)
bench-detection: $(DONE)/01_data.ipynb ## measure how long a photograph takes, by detector (into results/detection.json)
	$(BIN)/python -m bench.detection $(PROFILE)

lab: $(VENV)/ready ## open the notebooks in JupyterLab
	PYTHONPATH=book/_ext:$$PYTHONPATH $(BIN)/jupyter lab --ServerApp.contents_manager_class=filled_notebooks.Contents \
	  $(if $(filter 0,$(shell id -u)),--allow-root) book
lint: $(VENV)/ready $(LINT)/ready ## look for faults in code, notebooks and types, without running anything
	$(LINT)/bin/pre-commit run --all-files
	$(LINT)/bin/mypy

lock: ## pin what pyproject.toml asks for into requirements.txt, the same for every Python (needs uv)
	uv pip compile --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --all-extras \
	  pyproject.toml -o requirements.txt

# Of BUILD, wherever that is, no more than what is made there: profiles, tools, and the drawn faces' book.
OF_demo := demo html jupyter_execute .doctrees .jupyter_cache latex book.pdf
OF_all := $(OF_demo) larxel wobot tenth smoke drawings detect weights verify tests
clean: ## remove what was built of PROFILE, or everything with PROFILE=all (but environments and photographs)
	rm -rf $(addprefix $(BUILD)/,$(or $(OF_$(PROFILE)),$(filter $(PROFILE),$(OF_all))))
	if [ -d $(BUILD) ]; then rmdir --ignore-fail-on-non-empty $(BUILD); fi

# The environments: the book's, that of what the attack is measured beside, and that of what looks for faults.
INSTALL = @$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps

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
	$(INSTALL) --require-hashes -r requirements.txt
	$(INSTALL) --no-build-isolation -e .
	@touch $@

$(PEERS)/ready: requirements.txt bench/requirements.txt pyproject.toml
	@echo "setting up $(PEERS): about 4 GB, a few minutes"
	@$(PYTHON) -m venv --clear $(PEERS)
	$(INSTALL) --require-hashes -r requirements.txt
	$(INSTALL) -r bench/requirements.txt
	$(INSTALL) --no-build-isolation -e .
	@touch $@

$(LINT)/ready: .ci/lint-requirements.txt
	@$(PYTHON) -m venv --clear $(LINT)
	$(INSTALL) -r $<
	@touch $@

# A copy is run again when its notebook, the package or the stage before it has changed. What a change does not touch
# is read back by its key: one in figures/ fits nothing anew. The numbered notebooks run one after the other.
# The results alone read what all of a record's stages have made, so that none of these waits for them.
STAGES := $(filter-out %/05_results.ipynb,$(filter $(DONE)/0% $(DONE)/1%,$(COPIES)))
$(foreach step,$(join $(addsuffix :,$(wordlist 2,99,$(STAGES))),$(filter-out $(lastword $(STAGES)),$(STAGES))),$(eval $(step)))
$(DONE)/05_results.ipynb $(DONE)/other_networks.ipynb: $(DONE)/04_attack.ipynb
$(DONE)/weights.ipynb: $(DONE)/02_faces.ipynb
$(DONE)/try.ipynb: $(wildcard book/_static/vendor/tfjs/*.wasm)
SHOW_RECORDS := results\.read\|results\.headline\|experiment\.beside
$(patsubst book/%,$(DONE)/%,$(shell grep -l '$(SHOW_RECORDS)' book/*.ipynb)): $(RECORDS)

# Whether the photographs are there is found out once, before anything is run.
$(DONE)/.there: | $(VENV)/ready
	@$(BIN)/maskdet fetch --check $(PROFILE)
	@mkdir -p $(DONE)/unfinished && touch $@

# Papermill saves after every cell: only a copy that ran to its end gets the name that counts.
CODE := requirements.txt $(shell find maskdet -type f -not -path '*/__pycache__/*')
$(DONE)/%.ipynb: book/%.ipynb $(CODE) | $(VENV)/ready $(DONE)/.there
	$(BIN)/papermill --kernel python3 --cwd . -p profile $(PROFILE) $< $(DONE)/unfinished/$*.ipynb
	@mv $(DONE)/unfinished/$*.ipynb $@

PAGES := _config.yml _toc.yml $(RECORDS) $(shell find book -type f -not -path '*/.*')
$(HTML)/.complete: $(COPIES) $(PAGES)
	$(BIN)/jupyter-book build . --path-output $(SITE) --all -W -n --keep-going
	@touch $@

$(PDF): $(COPIES) $(PAGES)
	$(BIN)/jupyter-book build . --builder singlehtml --path-output $(BUILD)/$(PROFILE)/singlehtml --all -W -n --keep-going
	$(BIN)/python book/_ext/print_book.py $(BUILD)/$(PROFILE)/singlehtml/_build/singlehtml $@
