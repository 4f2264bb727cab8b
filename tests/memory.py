"""How much memory this process holds now: unlike its peak, less once something is let go."""

import gc
import resource
from pathlib import Path

import pytest

STATUS = Path("/proc/self/statm")  # sizes in pages; the second is the resident one


def resident() -> int:
    """Bytes. Skips the test where the system does not say."""
    if not STATUS.exists():
        pytest.skip(f"needs {STATUS}, in which Linux states what a process holds")
    gc.collect()
    return int(STATUS.read_text().split()[1]) * resource.getpagesize()
