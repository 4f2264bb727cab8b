# The environments, each of its own packages: the book's, that of what the attack is measured beside, and that of what
# looks for faults. The Makefile says where they are, and which Python they have.
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
