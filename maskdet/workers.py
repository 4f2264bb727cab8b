"""Who does the work: a process for each processor of this machine, or a Dask cluster."""

import contextlib
import os
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from typing import Any, TypeVar

from loky import get_reusable_executor

Item = TypeVar("Item")


@dataclass(frozen=True)
class Workers:
    """An `executor` for many calls, and how to `share` with them once what all of them need."""

    executor: Executor
    share: Callable


@contextlib.contextmanager
def workers(address: str | None = None, *, processes: int | None = None, timeout: float = 30) -> Iterator[Workers]:
    """The workers of the Dask scheduler at `address` (tcp://host:port), else of the one that the
    environment variable SCHEDULER names, else `processes` of this machine, one for each processor.

    Raises OSError, naming the address, where no scheduler with a worker answers there within `timeout` seconds.
    """
    address = address or os.environ.get("SCHEDULER")
    if not address:
        yield Workers(local(processes), lambda value: value)
        return
    with _client(address, timeout) as client, client.get_executor(pure=False) as pool:
        # As the result of a task, not as data: a cluster makes it again when a worker dies with it.
        yield Workers(pool, lambda value: client.submit(_same, value))


def as_finished(futures: Mapping[Future, Item]) -> Generator[tuple[Item, Any]]:
    """What each future is of, and its result, as they finish; those not begun are dropped when the caller stops."""
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        for future in futures:
            future.cancel()


def local(processes: int | None = None) -> Executor:
    """`processes` of this machine, one for each processor, kept for the next call.

    Processes, not threads, which would wait for each other between short steps.
    """
    # That it ends idle workers, or starts one that has grown anew, is no news to the reader of a notebook.
    warnings.filterwarnings("ignore", "A worker (stopped|was restarted)", UserWarning)
    return get_reusable_executor(processes or _processors(), timeout=600, initializer=_end_with,
                                 initargs=(os.getpid(),))


def _client(address: str, timeout: float):
    from distributed import Client  # only where there is a cluster: it takes a second

    try:
        client = Client(address, timeout=timeout, set_as_default=False)
    except (OSError, ValueError) as error:
        raise OSError(f"expected a Dask scheduler at {address}, got none: start one with `dask scheduler`, "
                      "or unset SCHEDULER") from error
    try:
        client.wait_for_workers(1, timeout=timeout)
    except TimeoutError as error:
        client.close()
        raise OSError(f"expected a worker of the Dask scheduler at {address}, got none: start one with "
                      f"`dask worker {address}`") from error
    return client


def _processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _end_with(parent: int) -> None:
    """Let a worker end when its parent was killed and cannot tell it to."""
    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _same(value):
    return value

