"""Who does the work: the threads of this machine, or a Dask cluster."""

import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass


@dataclass(frozen=True)
class Workers:
    """An `executor` for many calls, and how to `share` with them once what all of them need."""

    executor: Executor
    share: Callable


@contextlib.contextmanager
def workers(address: str | None = None, *, timeout: float = 30) -> Iterator[Workers]:
    """The workers of the Dask scheduler at `address` (tcp://host:port), else of the one that the
    environment variable SCHEDULER names, else a thread for each processor.

    Raises OSError, naming the address, where no scheduler answers there within `timeout` seconds.
    """
    address = address or os.environ.get("SCHEDULER")
    if not address:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            yield Workers(pool, lambda value: value)
        return
    from distributed import Client  # only where there is a cluster: it takes a second

    try:
        client = Client(address, timeout=timeout, set_as_default=False)
    except (OSError, ValueError) as error:
        raise OSError(f"expected a Dask scheduler at {address}, got none: start one with `dask scheduler`, "
                      "and workers with `dask worker`, or unset SCHEDULER") from error
    with client, client.get_executor(pure=False) as pool:
        # As the result of a task, not as data: a cluster makes it again when a worker dies with it.
        yield Workers(pool, lambda value: client.submit(_same, value))


def _same(value):
    return value

