"""The notebooks as JupyterLab shows them under `make lab`: numbers, links and citations in the prose are filled in, as
the book fills them in. What is saved is the text with its roles, also of a cell that has been edited.
"""

import ast
import functools
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from pybtex.database import parse_file
from pybtex.exceptions import PybtexError

from maskdet import config
from maskdet.record import results

ROLE = re.compile(r"\{([a-z:]+)\}`([^`]+)`")
DIRECTIVE = re.compile(r"^(`{3,})\{([a-z-]+)\} ?(.*?)\n(.*?)^\1 *\n?", re.DOTALL | re.MULTILINE)
NONE = "(not run yet)"  # a number of a notebook of which there is no executed copy


class Filler:
    """Fills in the prose of the notebooks of a `book` folder; numbers of a build from its `executed` copies."""

    def __init__(self, book: Path, executed: Path):
        self.book, self.executed = book, executed

    def fill(self, text: str) -> str:
        """A cell's Markdown with every role replaced by what the book shows, and directives by plain Markdown."""
        return ROLE.sub(self._role, DIRECTIVE.sub(self._directive, text))

    def parts(self, text: str) -> list[tuple[str, str]]:
        """Each directive and each role outside of one, and what is shown for it, in their order."""
        found = [(one.start(), one[0], self.fill(one[0])) for one in DIRECTIVE.finditer(text)]
        inside = [(start, start + len(source)) for start, source, _ in found]
        found += [(one.start(), one[0], self.fill(one[0])) for one in ROLE.finditer(text)
                  if not any(first <= one.start() < last for first, last in inside)]
        return [(source, shown) for _, source, shown in sorted(found)]

    def _directive(self, found: re.Match) -> str:
        _, name, title, body = found.groups()
        body = DIRECTIVE.sub(self._directive, re.sub(r"^:[a-z-]+:.*\n", "", body, flags=re.MULTILINE))
        if name == "list-table":
            return f"*{title}*\n\n{_table(body)}\n"
        if name == "raw":
            return "*(This part is in the built book only.)*\n"
        return f"**{title}**\n\n{body}\n" if title and name != "grid" else f"{body}\n"

    def _role(self, found: re.Match) -> str:
        kind, text = found.groups()
        shown = {"number": self._number, "glue:text": self._glued, "doc": self._page, "cite": self._cited,
                 "numref": self._figure, "term": lambda name: re.sub(r" <.*>$", "", name)}
        try:
            return shown[kind](text) if kind in shown else text
        except (LookupError, ValueError, FileNotFoundError, PybtexError) as error:  # to be corrected here, so it opens
            return f"{found[0]} *({type(error).__name__}: {error})*"

    def _number(self, text: str) -> str:
        name, _, value = text.partition(".")
        return results.as_text(dict(results.flat(results.read(name)))[value]) if name != "build" else NONE

    def _glued(self, text: str) -> str:
        notebook, _, name = text.removesuffix(":s").partition("::")
        copy = self.executed / notebook
        return _glue(copy, copy.stat().st_mtime_ns).get(name, NONE) if copy.exists() else NONE

    def _page(self, name: str) -> str:
        name = re.sub(r"^.* <(.*)>$", r"\1", name)
        [path] = self.book.glob(f"{name}.*")
        [title, *_] = re.findall(r"^# (.+)$", "\n\n".join(_prose(path)), re.MULTILINE)
        return f"[{title}]({path.name})"

    def _figure(self, name: str) -> str:
        for path in self.book.glob("*.ipynb"):
            cells = json.loads(path.read_text(encoding="utf8"))["cells"]
            names = [cell["metadata"].get("mystnb", {}).get("figure", {}).get("name") for cell in cells]
            if name in names:
                chapter, place = re.match(r"\d*", path.name)[0].lstrip("0"), list(filter(None, names)).index(name) + 1
                return f"Fig. {chapter}.{place}" if chapter else "the figure"
        if not any(f":name: {name}\n" in text for path in self.book.glob("*.[im][pd]*") for text in _prose(path)):
            raise KeyError(name)
        return "the table"

    def _cited(self, keys: str) -> str:
        entries = parse_file(str(self.book / "references.bib")).entries
        return f"[{'; '.join(_author_and_year(entries[key.strip()]) for key in keys.split(','))}]"


def _prose(path: Path) -> Iterator[str]:
    if path.suffix == ".md":
        yield path.read_text(encoding="utf8")
    else:
        cells = json.loads(path.read_text(encoding="utf8"))["cells"]
        yield from ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


@functools.cache
def _glue(copy: Path, written: int) -> dict[str, str]:
    """The numbers of an executed copy by name; `written`: when."""
    cells = json.loads(copy.read_text(encoding="utf8"))["cells"]
    outputs = (output for cell in cells for output in cell.get("outputs", []))
    glued = [output for output in outputs if "scrapbook" in output.get("metadata", {})]
    return {output["metadata"]["scrapbook"]["name"]:
            ast.literal_eval("".join(output["data"]["application/papermill.record/text/plain"])) for output in glued}


def _author_and_year(entry) -> str:
    names = [" ".join(person.last_names) for person in entry.persons.get("author", [])] or [entry.fields["title"]]
    shown = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
    return f"{shown.replace('{', '').replace('}', '')}, {entry.fields.get('year', 'n.d.')}"


def _table(body: str) -> str:
    """The rows of a list-table as Markdown, the first as its head."""
    rows = [[" ".join(cell.split()) for cell in re.split(r"^ {2}- ?", row, flags=re.MULTILINE)]
            for row in re.split(r"^\* - ?", body, flags=re.MULTILINE)[1:]]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def restored(text: str, parts: list[tuple[str, str]]) -> str:
    """An edited text with its roles: what was shown for each, in their order, becomes the role again where it still
    stands. A text that was shown and is not there any more has been edited, and stays as it is."""
    done, rest = "", text
    for source, shown in parts:
        before, found, after = rest.partition(shown)
        if found:
            done, rest = done + before + source, after
    return done + rest


class Contents(AsyncLargeFileManager):
    """JupyterLab's files, with the prose of the book's notebooks filled in."""

    async def get(self, path, content=True, type=None, format=None, **options):
        """A file as JupyterLab opens it."""
        model = await super().get(path, content=content, type=type, format=format, **options)
        if model["type"] == "notebook" and content:
            build = config.build_folder() / os.environ.get("MASKDET_PROFILE", "demo")
            filler = Filler(Path(self.root_dir, path.lstrip("/")).parent, build / "notebooks")
            for cell in (cell for cell in model["content"]["cells"] if cell["cell_type"] == "markdown"):
                if parts := filler.parts(cell["source"]):
                    cell["metadata"]["maskdet"] = parts
                    cell["source"] = filler.fill(cell["source"])
        return model

    async def save(self, model, path=""):
        """A file as it is kept: what was filled in is the role again."""
        for cell in (model.get("content") or {}).get("cells", []) if model.get("type") == "notebook" else []:
            if parts := cell["metadata"].pop("maskdet", None):
                cell["source"] = restored(cell["source"], parts)
        return await super().save(model, path)
