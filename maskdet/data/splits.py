"""Near-duplicate photographs, and a split that keeps them together."""

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

NEAR = 20  # of 256 bits: photographs whose hashes differ in fewer are near-duplicates
BLOCK = 256  # rows compared with all others at a time, which bounds the memory


def near_duplicates(hashes: np.ndarray) -> np.ndarray:
    """The pairs of near-duplicates: (P, 2) int, first < second, from (N, 4) uint64 hashes."""
    pairs = [np.empty((0, 2), int)]
    for start in range(0, len(hashes), BLOCK):
        differing = hashes[start : start + BLOCK, None] ^ hashes[None]
        apart = np.bitwise_count(differing).sum(axis=-1, dtype=int)
        near = np.argwhere(apart < NEAR) + (start, 0)
        pairs.append(near[near[:, 0] < near[:, 1]])
    return np.concatenate(pairs)


def near_any(one: np.ndarray, hashes: np.ndarray) -> bool:
    """Whether a photograph of hash `one` (4,) is a near-duplicate of any of `hashes` (N, 4)."""
    return bool((np.bitwise_count(hashes ^ one).sum(axis=-1, dtype=int) < NEAR).any())


def groups(hashes: np.ndarray) -> np.ndarray:
    """The group of each photograph, (N,) int: near-duplicates of near-duplicates share one."""
    pairs = near_duplicates(hashes)
    graph = sparse.coo_array(
        (np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(hashes),) * 2
    )
    return csgraph.connected_components(graph, directed=False)[1].astype(int)


def split(
    groups: np.ndarray, *, test_share: float, validation_share: float, seed: int
) -> np.ndarray:
    """"test", "validation" or "train" for each photograph, (N,) str, from (N,) groups.

    Groups are taken in random order and go, whole, to the first side that still has room. The
    shares are of all photographs; a side falls short of its share only when no group fits.
    """
    names, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    room = {
        "test": round(test_share * len(groups)),
        "validation": round(validation_share * len(groups)),
        "train": len(groups),
    }
    sides = np.empty(len(names), dtype="<U10")
    for group in np.random.default_rng(seed).permutation(len(names)):
        sides[group] = next(side for side in room if sizes[group] <= room[side])
        room[sides[group]] -= sizes[group]
    return sides[members]


def folds(groups: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """The fold of each photograph, 0 to `count` - 1, (N,) int, from (N,) groups, which stay whole.

    Groups are taken in random order, each to the fold that has the fewest photographs. Raises
    ValueError for fewer than 2 folds, or fewer groups than folds.
    """
    names, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if not 2 <= count <= len(names):
        raise ValueError(f"expected 2 folds or more and a group for each, got {count} folds and {len(names)} groups")
    held, fold = np.zeros(count, int), np.empty(len(names), int)
    for group in np.random.default_rng(seed).permutation(len(names)):
        fold[group] = held.argmin()
        held[fold[group]] += sizes[group]
    return fold[members]
