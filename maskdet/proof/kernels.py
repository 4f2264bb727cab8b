"""What the steps that are not linear do to the noise symbols of affine forms, compiled.

Symbols are candidates of a `Change` (see `incremental.kernels`). The owner (K,), ascending, of a symbol is the region
whose form it is part of. The slots of a region are those of its form's centre.
"""

import numpy as np
from numba import njit

from maskdet.incremental import windows
from maskdet.incremental.windows import compiled


@compiled
def spread(first, place, places, owner, first_noise, place_noise, noise, total):
    """Add to `total` (S, C), in the slots of the regions, the absolute values of their symbols."""
    slot_at, k = np.full(places, -1, np.int32), 0
    for n in range(len(first) - 1):
        for s in range(first[n], first[n + 1]):
            slot_at[place[s]] = s
        while k < len(owner) and owner[k] == n:
            for s in range(first_noise[k], first_noise[k + 1]):
                row, added = total[slot_at[place_noise[s]]], noise[s]
                for c in range(len(row)):
                    row[c] += abs(added[c])
            k += 1


@compiled
def scaled(first, place, places, owner, first_noise, place_noise, noise, factor):
    """The symbols, each value times the `factor` (S, C) of its region's slot there."""
    slot_at, k, rows = np.full(places, -1, np.int32), 0, np.empty_like(noise)
    for n in range(len(first) - 1):
        for s in range(first[n], first[n + 1]):
            slot_at[place[s]] = s
        while k < len(owner) and owner[k] == n:
            for s in range(first_noise[k], first_noise[k + 1]):
                row, value, times = rows[s], noise[s], factor[slot_at[place_noise[s]]]
                for c in range(len(row)):
                    row[c] = value[c] * times[c]
            k += 1
    return rows


@compiled
def largest(first, place, reach, covers, low, high, clean_low, clean_high):
    """For each slot of the output of a maximum and each channel: the largest lower bound in its window, the tap that
    has it, its upper bound, and the largest upper bound of all other taps. `low`, `high` (S, C) bound the slots of the
    input, `clean_low` and `clean_high` (places, C) all other places."""
    out_first, out_place, _ = windows.reached(first, place, *reach, covers.shape[1], len(covers))
    columns, slot_at = low.shape[1], np.full(len(clean_low), -1, np.int32)
    least = np.full((len(out_place), columns), -np.inf, np.float32)
    own, others = least.copy(), least.copy()  # the upper bound of the best tap, and the largest of the others
    best = np.zeros((len(out_place), columns), np.int32)
    for n in range(len(first) - 1):
        for s in range(first[n], first[n + 1]):
            slot_at[place[s]] = s
        for o in range(out_first[n], out_first[n + 1]):
            for tap in range(covers.shape[1]):
                at = covers[out_place[o], tap]
                if at >= 0:
                    s = slot_at[at]
                    for c in range(columns):
                        bottom, top = (low[s, c], high[s, c]) if s >= 0 else (clean_low[at, c], clean_high[at, c])
                        if bottom > least[o, c]:
                            others[o, c] = max(others[o, c], own[o, c])
                            least[o, c], best[o, c], own[o, c] = bottom, tap, top
                        else:
                            others[o, c] = max(others[o, c], top)
        for s in range(first[n], first[n + 1]):
            slot_at[place[s]] = -1
    return out_first, out_place, least, best, own, others


@compiled
def picked(places, out_first, out_place, covers, best, owner, first_noise, place_noise, noise):
    """The symbols at the output of a window: that of the input under the tap `best`, 0 where there is none (-1). Each
    symbol has all slots of its region's output."""
    count = np.zeros(len(owner) + 1, np.int64)
    count[1:] = np.cumsum(out_first[owner + 1] - out_first[owner])
    at_out = np.empty(count[-1], np.int32)
    rows, slot_at = np.zeros((count[-1], noise.shape[1]), np.float32), np.full(places, -1, np.int32)
    for k in range(len(owner)):
        for s in range(first_noise[k], first_noise[k + 1]):
            slot_at[place_noise[s]] = s
        begin = out_first[owner[k]]
        for o in range(begin, out_first[owner[k] + 1]):
            row = rows[count[k] + o - begin]
            at_out[count[k] + o - begin] = out_place[o]
            for c in range(len(row)):
                if best[o, c] >= 0:
                    s = slot_at[covers[out_place[o], best[o, c]]]
                    if s >= 0:
                        row[c] = noise[s, c]
        for s in range(first_noise[k], first_noise[k + 1]):
            slot_at[place_noise[s]] = -1
    return count, at_out, rows


@compiled
def clamped(first, place, reach, covers, clean, low, high, channels):
    """What the median of nine can be, where the only slot of each region is from `low` to `high` (N, C): for each slot
    of the output and each of the `channels`, its least and largest value, and whether it equals the input's slot."""
    out_first, out_place, _ = windows.reached(first, place, *reach, covers.shape[1], len(covers))
    least = np.zeros((len(out_place), low.shape[1]), np.float32)
    most = least.copy()
    kept, others = np.zeros(least.shape, np.bool_), np.empty(9, np.float32)
    for n in range(len(first) - 1):
        for o in range(out_first[n], out_first[n + 1]):
            for c in range(channels):
                count = 0
                for tap in range(9):
                    if covers[out_place[o], tap] != place[n]:
                        others[count] = clean[covers[out_place[o], tap], c]
                        count += 1
                still = np.sort(others[:count])
                below, above = still[count - 5], still[4]  # the slot is there 9 - count times
                least[o, c] = min(max(low[n, c], below), above)
                most[o, c] = min(max(high[n, c], below), above)
                kept[o, c] = least[o, c] == low[n, c] and most[o, c] == high[n, c]
    return out_first, out_place, least, most, kept


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})  # sums in any order
def pulled(target, slope, kernel, channels):
    """Slopes (S, C) by the slots of a convolution's input, from the slopes by the slots of its output. `target`
    (S, taps): which of these each tap leads to, or -1."""
    rows = np.zeros((len(target), channels), np.float64)
    for s in range(len(target)):
        for tap in range(len(kernel)):
            if target[s, tap] >= 0:
                row = slope[target[s, tap]]
                for c in range(kernel.shape[1]):
                    weights, total = kernel[tap, c], 0.0
                    for column in range(len(row)):
                        total += row[column] * weights[column]
                    rows[s, c] += total
    return rows


@compiled
def tapped(first_out, tap, slope, first, place, places):
    """Slopes (S, C) by the slots of an input, where each slot and channel of the output is the input at place `tap`.
    A place that is no slot does not vary."""
    rows, slot_at = np.zeros((len(place), slope.shape[1]), np.float64), np.full(places, -1, np.int32)
    for n in range(len(first) - 1):
        for s in range(first[n], first[n + 1]):
            slot_at[place[s]] = s
        for o in range(first_out[n], first_out[n + 1]):
            for c in range(slope.shape[1]):
                s = slot_at[tap[o, c]]
                if s >= 0:
                    rows[s, c] += slope[o, c]
        for s in range(first[n], first[n + 1]):
            slot_at[place[s]] = -1
    return rows
