"""Render the executed copy of each notebook, while every link leads to its source.

`book/x.ipynb` carries no output; papermill writes the executed copy to
`_build/<profile>/notebooks/x.ipynb`. The swap happens as Sphinx reads the source, so that page addresses,
edit links and downloads remain those of `book/x.ipynb`. `MASKDET_PROFILE` chooses the profile (default
`demo`), `MASKDET_BUILD` the build folder (default `_build`).
"""

import json
import os
import re
from html import escape
from itertools import pairwise
from pathlib import Path

from sphinx.util import logging

from maskdet.config import profile

log = logging.getLogger(__name__)
PROFILE = os.environ.get("MASKDET_PROFILE", "demo")


def tagged(cell, tag):
    """Whether the cell carries the tag."""
    return tag in cell["metadata"].get("tags", [])


def written(notebook):
    """The text of every cell that an author wrote, to compare a source with its executed copy."""
    return ["".join(c["source"]) for c in notebook["cells"] if not tagged(c, "injected-parameters")]


def readable(notebook):
    """The notebook with the value that papermill injected in the cell of the parameters, not in a cell of its own."""
    for cell, after in list(pairwise(notebook["cells"])):
        if tagged(after, "injected-parameters"):
            [value] = re.findall('".*"', "".join(after["source"]))
            cell["source"] = re.sub('".*?"', value, "".join(cell["source"]), count=1)
            notebook["cells"].remove(after)
    return notebook


def described(notebook):
    """The notebook with the alternative text of each cell's metadata in its figures, which cannot know it."""
    for cell in notebook["cells"]:
        if text := cell["metadata"].get("mystnb", {}).get("image", {}).get("alt"):
            label = f'role="img" aria-label="{escape(text)}"'.replace("\\", r"\\")
            for data in (output["data"] for output in cell.get("outputs", []) if "text/html" in output.get("data", {})):
                data["text/html"] = re.sub('role="img" aria-label="[^"]*"', label, "".join(data["text/html"]))
    return notebook


def swap(app, docname, source):
    """Put the executed copy in place of the source that was read; warn if there is none, or an old one."""
    path = Path(app.env.doc2path(docname))
    if path.suffix != ".ipynb":
        return
    copy = Path(app.config.executed_notebooks) / path.name
    app.env.note_dependency(str(copy))
    if not copy.exists():
        log.warning("no executed copy at %s: run `make notebooks`", copy,
                    location=docname, type="executed", subtype="missing")
        return
    executed = json.loads(copy.read_text(encoding="utf8"))
    if written(executed) != written(json.loads(source[0])):
        log.warning("%s was executed from another version of it: run `make notebooks`", copy,
                    location=docname, type="executed", subtype="stale")
    source[0] = json.dumps(described(readable(executed)))


def add_notice(app, pagename, templatename, context, doctree):
    """Say at the top of each page, in plain HTML that also prints, that no photographs were used."""
    if doctree is not None and profile(PROFILE).drawn:
        text = escape(app.config.drawn_faces_notice.format(profile=PROFILE))
        context["body"] = f'<p class="run-notice" role="note">{text}</p>\n{context["body"]}'


def locate(app, config):
    """Find the copies; as a configuration value, so that another profile re-reads every page."""
    build = Path(os.environ.get("MASKDET_BUILD", "_build"))
    config.executed_notebooks = str(Path(app.srcdir, build, PROFILE, "notebooks"))
    config.html_static_path.append(str(Path(app.srcdir, build, PROFILE, "playground")))  # what `try.ipynb` writes


def setup(app):
    """Connect to Sphinx; the words of the notice live in `_config.yml`."""
    app.add_config_value("executed_notebooks", "", "env")
    app.add_config_value("drawn_faces_notice", "", "html")
    app.connect("config-inited", locate)
    app.connect("source-read", swap)
    app.connect("html-page-context", add_notice)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
