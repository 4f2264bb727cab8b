"""Files that are whole or not there: atomic writing, and journals of finished work."""

import contextlib
import hashlib
import inspect
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, moved to `path` when the block ends well, else removed.

    It keeps the suffix of `path`, by which some writers choose their format.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Write `value` as JSON, readable by people, whole or not at all."""
    with whole(path) as part:
        part.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf8")


def digest(*parts: object) -> str:
    """A short name (16 hexadecimal digits) for bytes, arrays or anything with a stable repr."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part if isinstance(part, bytes) else repr(part).encode())
        sha.update(b"\0")
    return sha.hexdigest()[:16]


def checksum(digests: Mapping[str, str]) -> str:
    """SHA-256 over the names and the digests of files, sorted by name."""
    lines = (f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def source(*objects: Any) -> str:
    """The code of functions, classes or modules, for the key of a cache: changed code is new work."""
    return "".join(inspect.getsource(item) for item in objects)


class Journal:
    """Finished work, one JSON line an item, that survives an interruption at any moment.

    A line counts when it ends in a newline, so a half-written last line is work to do again.
    The first line holds a `key` that names the settings: a journal of other settings is put aside, and taken up again
    when they are those of then.
    """

    def __init__(self, path: Path, *, key: str):
        self.path, self.items = Path(path), {}
        header = json.dumps({"key": key}) + "\n"
        lines = self._lines()
        if lines and lines[0] != header:
            os.replace(self.path, self._aside(lines[0]))
            lines = []
        if not lines and self._aside(header).exists():
            os.replace(self._aside(header), self.path)
            lines = self._lines()
        if not lines:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with whole(self.path) as part:
                part.write_text(header, encoding="utf8")
            return
        for line in lines[1:]:
            name, item = json.loads(line)
            self.items[name] = item
        size = sum(len(line.encode()) for line in lines)
        os.truncate(self.path, size)

    def _aside(self, header: str) -> Path:
        """Where a journal with this header waits while another has its place."""
        return self.path.with_name(f"{self.path.stem}.{digest(header)}{self.path.suffix}")

    def _lines(self) -> list[str]:
        """The finished lines, up to the first that is not whole."""
        if not self.path.exists():
            return []
        finished = []
        for line in self.path.read_bytes().splitlines(keepends=True):
            try:
                json.loads(line)
            except ValueError:
                break
            if not line.endswith(b"\n"):
                break
            finished.append(line.decode())
        return finished

    def add(self, name: str, item: object) -> None:
        """Append one finished item and hand it to the operating system."""
        with self.path.open("a", encoding="utf8") as file:
            file.write(json.dumps([name, item]) + "\n")
        self.items[name] = item
