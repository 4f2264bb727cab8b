"""Files that are whole or not there: atomic writing, journals of finished work, and one run at a time."""

import contextlib
import fcntl
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, with its suffix, by which some writers choose their format; moved to `path` when
    the block ends well, else removed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Let one process at a time into the blocks of `path`, a hidden file beside it; a second one says that it waits."""
    lock = Path(path).with_name(f".{path.name}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another run that is at work on {path}", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_json(path: Path, value: object) -> None:
    """Write `value` as JSON, readable by people, whole or not at all."""
    with whole(path) as part:
        part.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf8")


def digest(*parts: object) -> str:
    """A short name (16 hexadecimal digits) for bytes, arrays or anything with a stable repr."""
    sha = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            part = f"{part.dtype} {part.shape} ".encode() + part.tobytes()
        sha.update(part if isinstance(part, bytes) else repr(part).encode())
        sha.update(b"\0")
    return sha.hexdigest()[:16]


def checksum(digests: Mapping[str, str]) -> str:
    """SHA-256 over the names and the digests of files, sorted by name."""
    lines = (f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def checked(path: Path, sha256: str, *, remedy: str) -> bytes:
    """The content of a file that comes with a package. Raises FileNotFoundError where there is none, and ValueError
    where it has another SHA-256, both with the remedy."""
    if not path.exists():
        raise FileNotFoundError(f"expected a file at {path}, got no such file: {remedy}")
    content = path.read_bytes()
    if (got := hashlib.sha256(content).hexdigest()) != sha256:
        raise ValueError(f"expected {path} with the SHA-256 {sha256}, got {got}: {remedy}")
    return content


def read_card(path: Path, *, remedy: str) -> dict:
    """What a package states of weights that come with it, such as their SHA-256: JSON. Raises FileNotFoundError where
    there is no such file, and ValueError where it is damaged, both with the remedy."""
    if not path.exists():
        raise FileNotFoundError(f"expected the card of the weights at {path}, got no such file: {remedy}")
    try:
        card = json.loads(path.read_bytes())
        for stated in card.get("networks", {"": card}).values():
            str.isalnum(stated["sha256"])
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # of JSON, its encoding or its content
        raise ValueError(f"expected the card of the weights, JSON with their SHA-256, in {path}, got "
                         f"{type(error).__name__}: {error}: {remedy}") from error
    return card


class Journal:
    """Finished work, one JSON line an item, that survives an interruption at any moment.

    The file bears the `key` of the settings in its name, so that work by other settings neither is taken for this nor
    is lost. A line that an interruption cut is work to do again.
    """

    def __init__(self, path: Path, *, key: str):
        self.path, self.items = Path(path).with_name(f"{path.stem}.{key}{path.suffix}"), {}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._cut = False
        for line in self.path.read_bytes().splitlines(keepends=True) if self.path.exists() else []:
            with contextlib.suppress(ValueError, TypeError):
                name, item = json.loads(line)
                self.items[name] = item
            self._cut = not line.endswith(b"\n")

    def add(self, name: str, item: object) -> None:
        """Append one finished item and hand it to the operating system."""
        line = "\n" * self._cut + json.dumps([name, item]) + "\n"
        with self.path.open("ab", buffering=0) as file:
            file.write(line.encode())
        self.items[name], self._cut = item, False
