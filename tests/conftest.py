"""What several tests need."""

import dataclasses

import numpy as np
import pytest

from maskdet import config


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


from small_sets import voc, wobot  # noqa: E402, F401
