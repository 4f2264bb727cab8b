# The book’s environment, all set up:
#   docker build -t maskdet .
#   docker run --rm -p 8888:8888 maskdet   JupyterLab, at the address that it prints
#   docker run --rm maskdet make test      the tests; so for every target: make book, make pdf
# Binder builds this file too. It sets NB_USER and NB_UID, and starts `jupyter notebook` itself.
# Python may be 3.12 or 3.13 as well: the packages are the same.
FROM python:3.11-slim-bookworm

RUN apt-get update \
 && apt-get install -y --no-install-recommends chromium fonts-dejavu git make \
 && rm -rf /var/lib/apt/lists/*

ARG NB_USER=reader
ARG NB_UID=1000
ENV USER=${NB_USER} HOME=/home/${NB_USER}
RUN useradd --create-home --uid ${NB_UID} --shell /bin/bash ${NB_USER}
USER ${NB_USER}
WORKDIR /home/${NB_USER}/maskdet

# As the Makefile sets it up, but the packages first: they are kept when only the code has changed.
COPY --chown=${NB_UID} requirements.txt ./
RUN python3 -m venv .venv \
 && .venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
# What Binder starts; all that it needs is there already.
RUN .venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps notebook==7.6.5
COPY --chown=${NB_UID} . ./
RUN .venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation -e . \
 && touch .venv/ready

ENV PATH=/home/${NB_USER}/maskdet/.venv/bin:${PATH}
EXPOSE 8888
# As `make lab`: with numbers and links of the prose filled in.
ENV PYTHONPATH=/home/${NB_USER}/maskdet/book/_ext
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--no-browser", \
     "--ServerApp.contents_manager_class=filled_notebooks.Contents"]
