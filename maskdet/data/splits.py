"""Near-duplicate photographs, and splits that keep them together."""

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

NEAR = 20  # of 256 bits: photographs whose hashes differ in fewer are near-duplicates
BLOCK = 256  # rows compared with all hashes at a time, which bounds the memory


def near_duplicates(hashes: np.ndarray) -> np.ndarray:
    """The pairs of near-duplicates: (P, 2) int, first < second, from (N, 4) uint64 hashes."""
    pairs = [np.empty((0, 2), int)]
    for start in range(0, len(hashes), BLOCK):
        near = np.argwhere(_distance(hashes[start:start + BLOCK, None], hashes) < NEAR) + (start, 0)
        pairs.append(near[near[:, 0] < near[:, 1]])
    return np.concatenate(pairs)


def near_any(own: np.ndarray, hashes: np.ndarray) -> bool:
    """Whether a photograph of hash `own` (4,) is a near-duplicate of any of `hashes` (N, 4)."""
    return bool((_distance(own, hashes) < NEAR).any())


def _distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The number of bits in which hashes (..., 4) differ: (...)."""
    return np.bitwise_count(first ^ second).sum(axis=-1, dtype=int)


def groups(hashes: np.ndarray) -> np.ndarray:
    """The group of each photograph, (N,) int: near-duplicates, and near-duplicates of these, have the same."""
    pairs = near_duplicates(hashes)
    graph = sparse.coo_array((np.ones(len(pairs), bool), tuple(pairs.T)), shape=(len(hashes),) * 2)
    return csgraph.connected_components(graph, directed=False)[1].astype(int)


def split(groups: np.ndarray, *, test_share: float, validation_share: float, seed: int) -> np.ndarray:
    """"test", "validation" or "train" for each photograph, (N,) str, from (N,) groups.

    Each group goes, whole and in random order, to the first split that still has room. The shares are of all
    photographs; a split falls short of its share only when no group fits.
    """
    room = {"test": round(test_share * len(groups)), "validation": round(validation_share * len(groups)),
            "train": len(groups)}
    splits = np.empty(len(groups), dtype="<U10")
    for group in np.random.default_rng(seed).permutation(np.unique(groups)):
        members = groups == group
        chosen = next(name for name in room if members.sum() <= room[name])
        splits[members] = chosen
        room[chosen] -= members.sum()
    return splits


def folds(groups: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """The fold of each photograph, 0 to `count` - 1, (N,) int, from (N,) groups, which stay whole: each goes, in random
    order, to the fold with the fewest photographs. Raises ValueError for fewer than 2 folds, or fewer groups than
    folds."""
    names = np.unique(groups)
    if not 2 <= count <= len(names):
        raise ValueError(f"expected 2 folds or more and a group for each, got {count} folds and {len(names)} groups")
    sizes, folds = np.zeros(count, int), np.empty(len(groups), int)
    for group in np.random.default_rng(seed).permutation(names):
        members, smallest = groups == group, sizes.argmin()
        folds[members] = smallest
        sizes[smallest] += members.sum()
    return folds
