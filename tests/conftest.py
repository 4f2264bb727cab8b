"""What several tests need."""

import dataclasses
import sys

import numpy as np
import pytest

from maskdet import config, deterministic
from maskdet.incremental import Incremental
from maskdet.incremental.layers import Dense, rows


def pytest_addoption(parser):
    parser.addoption("--networks", type=int, default=20, help="how many networks drawn at random are read")


def pytest_collection_finish():
    """Before a test lets TensorFlow compute."""
    if "tensorflow" in sys.modules:
        deterministic()


# The files whose tests look at the book, which is built once.
BOOK = ("test_book.py", "test_browser.py", "test_try.py")


def pytest_collection_modifyitems(items):
    for item in items:
        assert item.path.name in BOOK or "interrupted" not in item.fixturenames, f"expected {item.path.name} in BOOK"


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist nobody asks
def pytest_xdist_make_scheduler(config, log):
    """Tests of a file share what they make, and those of BOOK the book: they run in one process."""
    from xdist.scheduler import LoadScopeScheduling

    class Files(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            name = nodeid.split("::")[0].rsplit("/")[-1]
            return "the book" if name in BOOK else name

    return Files(config, log)


@pytest.fixture
def profile(tmp_path, monkeypatch):
    """A small profile whose files lie in a folder of the test's own."""
    monkeypatch.setenv("MASKDET_BUILD", str(tmp_path))
    return dataclasses.replace(config.PROFILES["smoke"], name="test")


@pytest.fixture
def planted():
    """A network with one weak spot: `planted(row, column, channel)` says 1 (masked), sure but for
    this: the brighter that channel of that pixel, the less, and bare above 200."""
    def network(row, column, channel):
        def predict(images):
            bare = np.where(images[:, row, column, channel] > 200, 0.9,
                            images[:, row, column, channel] / 600).astype(np.float32)
            return np.column_stack([bare, 1 - bare])
        return predict
    return network


@pytest.fixture
def linear():
    """A linear network on images (6, 7, 3), of plain arrays."""
    weights = np.random.default_rng(0).normal(0, 0.01, (42, 3, 2))
    dense = Dense(inputs=(0,), shape=(1, 1, 2), kernel=rows(weights), offset=rows(np.zeros(2)))
    return Incremental((dense,), (6, 7, 3))


from browsing import browser, chromium, clip, page, site  # noqa: E402, F401
from small_sets import voc, wobot  # noqa: E402, F401
from smoke_book import build, interrupted  # noqa: E402, F401
