"""Calls shared among processes of this machine, or the workers of a Dask cluster, by joblib."""

import contextlib
import functools
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from joblib import Parallel, delayed, parallel_config

from maskdet import files, keys

Item = TypeVar("Item")
PATIENCE = 30  # seconds to wait for a cluster


class Made(Mapping[Item, Callable[[], Any]]):
    """Calls for `each`, made by `make(item)` when an item's turn comes: so that not all of what they hold is in memory
    at once."""

    def __init__(self, items: Iterable[Item], make: Callable[[Item], Callable[[], Any]]):
        self._items, self._make = dict.fromkeys(items), make

    def __getitem__(self, item: Item) -> Callable[[], Any]:
        return self._make(item)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


def each(calls: Mapping[Item, Callable[[], Any]], *, workers: int = -1,
         cluster: bool = False) -> Generator[tuple[Item, Any]]:
    """Each item and what its call returns, as the calls finish; all stop when the caller does.

    They are made in `workers` processes, -1 for one for each processor; 1 is this process, which also makes a single
    call: to start another takes longer than it saves. Where `cluster` is true, several workers are those of the Dask
    scheduler that the environment variable SCHEDULER names (tcp://host:port), if it is set. Raises OSError where no
    scheduler with a worker answers there, and RuntimeError where a worker has loaded other code than this process.
    """
    workers = workers if len(calls) > 1 else 1
    # That calls are dropped, or a worker ends or starts again, is no news to the reader of a notebook.
    warnings.filterwarnings("ignore", "A worker (stopped|was restarted)|.*tasks (have been|which were)", UserWarning)
    with _backend(os.environ.get("SCHEDULER") if cluster and workers != 1 else None) as backend:
        with parallel_config(**backend):
            pool = Parallel(workers, return_as="generator_unordered", batch_size=1, max_nbytes=None)
        tasks = (delayed(functools.partial(_finished, item, call, loaded()))() for item, call in calls.items())
        with contextlib.closing(pool(tasks)) as found:
            yield from found


def _finished(item: Item, call: Callable[[], Any], parent: Mapping[str, str]) -> tuple[Item, Any]:
    _check_code(parent)  # of what was loaded with the call
    result = call()
    _check_code(parent)  # and of what it loaded
    return item, result


def loaded() -> dict[str, str]:
    """The digest of each module of this package as this process loaded it."""
    return {module: _digest(source) for module, source in list(keys.SOURCES.items())}


@functools.cache
def _digest(source: bytes) -> str:
    return files.digest(source)


def _check_code(parent: Mapping[str, str]) -> None:
    """Raise RuntimeError where this process loaded other code than `parent`, under whose name the work is kept."""
    for module, digest in loaded().items():
        if parent.get(module, digest) != digest:
            raise RuntimeError(f"expected the {module} that was loaded when this began, got another in a worker: its "
                               "file was edited since; restart the kernel (or the Dask workers) and run again")


@contextlib.contextmanager
def _backend(address: str | None) -> Iterator[dict[str, Any]]:
    """What joblib is to be configured with."""
    if address is None:
        yield {"backend": "loky", "idle_worker_timeout": 600, "initializer": _end_with, "initargs": (os.getpid(),)}
        return
    from distributed import Client  # only where there is a cluster: it takes a second

    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise OSError(f"expected a Dask scheduler at {address}, got none: start one with `dask scheduler`, "
                      "or unset SCHEDULER") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            raise OSError(f"expected a worker of the Dask scheduler at {address}, got none: start one with "
                          f"`dask worker {address}`") from error
        client.run(_check_code, loaded())  # else joblib would wait for workers that cannot read what they are sent
        yield {"backend": "dask", "client": client}


def _end_with(parent: int) -> None:
    """Let a worker end when its parent was killed, in the middle of a call too; and only then. An interruption from the
    keyboard reaches all processes: the parent, which gets it too, ends the call, and a worker that died of it would
    fail the parent's next one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
