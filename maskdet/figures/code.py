"""Code of the package shown in a chapter, and calls described, from the package itself: so that it is what runs."""

import html
import inspect
import re
from collections.abc import Callable


class Code:
    """The source of functions or classes, as a notebook and the book show it; their docstrings are left in."""

    def __init__(self, *objects: Callable):
        self.source = "\n\n".join(inspect.getsource(item).rstrip("\n") for item in objects)

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.source}\n```"

    def __repr__(self) -> str:
        return self.source


class Calls:
    """Functions or classes by name, signature and docstring. Raises ValueError for one that has no docstring."""

    def __init__(self, *objects: Callable):
        if bare := [item.__qualname__ for item in objects if not item.__doc__]:
            raise ValueError(f"expected calls with a docstring, got {', '.join(bare)} without")
        self.described = [(_name(item), str(inspect.signature(item)), inspect.getdoc(item) or "") for item in objects]

    def _repr_html_(self) -> str:
        rows = (f"<dt><code><b>{html.escape(name)}</b>{html.escape(_readable(signature))}</code></dt>"
                f"<dd>{_paragraphs(text)}</dd>" for name, signature, text in self.described)
        return f'<dl class="calls">{"".join(rows)}</dl>'

    def __repr__(self) -> str:
        return "\n\n".join(f"{name}{_readable(signature)}\n{text}" for name, signature, text in self.described)


def _name(item: Callable) -> str:
    """Where a user finds it: the package that offers it, and its name."""
    return ".".join([*item.__module__.split(".")[:2][-1:], item.__qualname__])


def _readable(signature: str) -> str:
    """A signature without the modules of its types."""
    return re.sub(r"\b(?:[A-Za-z_]\w*\.)+(?=[A-Za-z_])", "", signature).replace("(self, ", "(").replace("(self)", "()")


def _paragraphs(text: str) -> str:
    """A docstring as HTML: paragraphs, and what is in backquotes as code."""
    return "".join("<p>{}</p>".format(re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(part)))
                   for part in text.split("\n\n"))
