"""Who does the work: a process for each processor of this machine, or a Dask cluster."""

import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

from loky import get_reusable_executor


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
        # Processes, not threads, which would wait for each other between short steps; kept for the next call.
        yield Workers(get_reusable_executor(processes or len(os.sched_getaffinity(0))), lambda value: value)
        return
    from distributed import Client  # only where there is a cluster: it takes a second

    try:
        client = Client(address, timeout=timeout, set_as_default=False)
        client.wait_for_workers(1, timeout=timeout)
    except (OSError, ValueError, TimeoutError) as error:
        raise OSError(f"expected a Dask scheduler and a worker at {address}, got none: start them with "
                      "`dask scheduler` and `dask worker`, or unset SCHEDULER") from error
    with client, client.get_executor(pure=False) as pool:
        # As the result of a task, not as data: a cluster makes it again when a worker dies with it.
        yield Workers(pool, lambda value: client.submit(_same, value))


def _same(value):
    return value

