"""train.csv of the preprint's set, whose header is wrong."""

import csv
import io
from collections import defaultdict

from maskdet.data.classes import Box, box

TABLE = "train.csv"
EDGES = ("x1", "y1", "x2", "y2")
INCOMPLETE = "row left out: it has too few or too many fields"


def rows(content: bytes, *, name: object) -> tuple[dict[str, list[Box]], list[tuple[str, str]]]:
    """The boxes of each photograph, and what was left out, as (file, reason).

    The header of the original says `name,x1,x2,y1,y2,classname` although the numbers are left,
    top, right, bottom. So that a corrected copy reads the same, the values decide: see `_order`.

    Raises ValueError, naming the file, when the whole is no such table.
    """
    header, lines = _table(content, name=name)
    order = _order(header, lines)
    boxes, skipped = defaultdict(list), []
    for number, line in enumerate(lines, start=2):
        photograph = dict(zip(header, line)).get("name") or f"line {number}"
        source = f"{TABLE}: {photograph}"
        if len(line) != len(header):
            skipped.append((source, INCOMPLETE))
            continue
        try:
            original = line[header.index("classname")]
            boxes[photograph].append(box([line[column] for column in order], original))
        except ValueError as error:
            skipped.append((source, str(error)))
    return dict(boxes), skipped


def _table(content: bytes, *, name: object) -> tuple[list[str], list[list[str]]]:
    """The header and the lines that are not empty."""
    remedy = "correct the file, or fetch the set again with `make data PROFILE=wobot`"
    try:
        text = content.decode("utf-8-sig")
        lines = [line for line in csv.reader(io.StringIO(text, newline="")) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"expected a CSV table in {name}, got {error}: {remedy}") from None
    header = [column.strip().lower() for column in lines[0]] if lines else []
    if missing := {"name", *EDGES, "classname"} - set(header):
        raise ValueError(
            f"expected the columns name, x1, x2, y1, y2, classname in {name},"
            f" got none called {', '.join(sorted(missing))}: {remedy}"
        )
    return header, lines[1:]


def _order(header: list[str], lines: list[list[str]]) -> list[int]:
    """The columns that hold left, top, right and bottom.

    Either the four in the order in which they stand, as in the original, or x1, y1, x2, y2 by
    their names: the one that makes more rows into boxes (left < right, top < bottom), the former
    when both make as many.
    """
    standing = [column for column, name in enumerate(header) if name in EDGES]
    named = [header.index(name) for name in EDGES]

    def proper(order: list[int]) -> int:
        count = 0
        for line in lines:
            try:
                one = box([line[column] for column in order], "")
            except (ValueError, IndexError):
                continue
            count += one.left < one.right and one.top < one.bottom
        return count

    return max((standing, named), key=proper)
