"""The role of numbers that no chapter has to run for: {number}`larxel.folds.accuracy.resnet.share`.

The first part names a file in results/, the rest a value in it, as numbers of a notebook are named (a count also has
.k, .n, .share and .interval). `build` in place of a file is this build, all that its notebooks recorded. A name that
is not there is a warning.
"""

import os

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from maskdet.config import RECORDED, profile
from maskdet.record import results

log = logging.getLogger(__name__)


def record(name):
    """The files that a record is read from, and its values as they are quoted, by dotted name."""
    if name == "build":
        run = profile(os.environ.get("MASKDET_PROFILE", "demo"))
        return list((run.folder / "results").glob("*.json")), dict(results.flat(results.collect(run)))
    return [RECORDED / f"{name}.json"], dict(results.flat(results.read(name)))


class Number(SphinxRole):
    """The value as text, or a warning."""

    def run(self):
        """The nodes of the text, and no messages."""
        file, _, name = self.text.partition(".")
        try:
            paths, values = self.env.temp_data.get(f"record {file}") or record(file)
            self.env.temp_data[f"record {file}"] = paths, values  # read once for each page
            for path in paths:
                self.env.note_dependency(str(path))
            return [nodes.Text(results.as_text(values[name]))], []
        except (KeyError, FileNotFoundError, ValueError) as error:
            log.warning("expected a number of results/, as in {number}`larxel.accuracy.resnet`, got %s: %s", self.text,
                        error, location=self.get_location(), type="number")
            return [nodes.Text("?")], []


def setup(app):
    """Connect to Sphinx."""
    app.add_role("number", Number())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
