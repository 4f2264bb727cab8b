"""What one change of an image does to each kind of layer, compiled.

A batch of changes of one tensor (H, W, C) is three arrays: those of candidate n are the slots
first[n] to first[n + 1]; slot s lies at place[s] = row * W + column, and values[s] (C, padded) is
what is added there. Nothing else differs from the tensor of the unchanged image. A candidate's
sums are made in an order that depends on it alone, so it gets the same bits in any company.
"""

import numpy as np
from numba import njit

from maskdet.incremental.vectors import LANES, accumulate, greater

BLOCK = 16  # candidates whose sums are made together, tap by tap: one tap's weights stay in cache

compiled = njit(cache=True, nogil=True, error_model="numpy")


@compiled
def pixels(image, changes):
    """Changes (N, K, 5: row, column, red, green, blue) of `image` (H, W, 3) uint8. Where two of the
    K pixels are one place, the last one counts."""
    count, size, _ = changes.shape
    first, place = np.zeros(count + 1, np.int64), np.empty(count * size, np.int32)
    values, slots = np.zeros((count * size, LANES), np.float32), 0
    for n in range(count):
        for k in range(size):
            row, column = changes[n, k, 0], changes[n, k, 1]
            last = True
            for other in range(k + 1, size):
                if changes[n, other, 0] == row and changes[n, other, 1] == column:
                    last = False
            if last:
                place[slots] = row * image.shape[1] + column
                for c in range(3):
                    values[slots, c] = np.float32(changes[n, k, 2 + c]) - np.float32(image[row, column, c])
                slots += 1
        first[n + 1] = slots
    return first, place[:slots], values[:slots]


@compiled
def _nonzero(values, channels):
    """The values (S, >= channels) that are not zero: where each slot starts, channels, values."""
    slots = len(values)
    start, k = np.empty(slots + 1, np.int64), 0
    channel, value = np.empty(slots * channels + 1, np.int32), np.empty(slots * channels + 1, np.float32)
    for s in range(slots):
        start[s], row = k, values[s]
        for c in range(channels):
            channel[k], value[k] = c, row[c]
            k += row[c] != 0
    start[slots] = k
    return start, channel, value


@compiled
def _reached(first, place, start, tap, out, taps, places):
    """Which of the output's `places` each slot reaches: place p reaches out[i] by tap[i] of the
    window, start[p] <= i < start[p + 1]. Returns first and place of the output, and the output's
    slot for each slot and tap (S, taps), or -1."""
    out_first, slot_at = np.zeros(len(first), np.int64), np.full(places, -1, np.int32)
    target, reached = np.full((len(place), taps), -1, np.int32), 0
    for s in range(len(place)):
        reached += start[place[s] + 1] - start[place[s]]
    out_place, slots = np.empty(reached, np.int32), 0
    for n in range(len(first) - 1):
        for s in range(first[n], first[n + 1]):
            by_tap = target[s]
            for i in range(start[place[s]], start[place[s] + 1]):
                slot = slot_at[out[i]]
                if slot < 0:
                    slot_at[out[i]], out_place[slots], slot = slots, out[i], slots
                    slots += 1
                by_tap[tap[i]] = slot
        for slot in range(out_first[n], slots):
            slot_at[out_place[slot]] = -1
        out_first[n + 1] = slots
    return out_first, out_place[:slots], target


@compiled
def _nonzero(values, channels, used):
    """The values (S, >= channels) that are not zero, of the slots that are `used`: where each slot
    starts, channels, values."""
    slots, k = len(values), 0
    start = np.empty(slots + 1, np.int64)
    channel, value = np.empty(slots * channels + 1, np.int32), np.empty(slots * channels + 1, np.float32)
    for s in range(slots):
        start[s], row = k, values[s]
        if used[s]:
            for c in range(channels):
                channel[k], value[k] = c, row[c]
                k += row[c] != 0
    start[slots] = k
    return start, channel, value


@compiled
def convolution(first, place, values, reach, taps, places, kernel, channels, columns):
    """Through a convolution: `reach` as in `_reached`, `kernel` flat (taps, channels, columns)."""
    out_first, out_place, target = _reached(first, place, *reach, taps, places)
    used = np.empty(len(place), np.bool_)
    for s in range(len(place)):
        used[s] = reach[0][place[s] + 1] > reach[0][place[s]]
    start, channel, value = _nonzero(values, channels, used)
    rows = np.zeros(len(out_place) * columns, np.float32)
    for block in range(0, len(first) - 1, BLOCK):
        begin, end = first[block], first[min(block + BLOCK, len(first) - 1)]
        for tap in range(taps):
            for s in range(begin, end):
                if target[s, tap] >= 0:
                    accumulate(rows, np.int64(target[s, tap]) * columns, kernel, tap * channels * columns,
                               columns, channel, value, start[s], start[s + 1])
    return out_first, out_place, rows.reshape(-1, columns)


@compiled
def dense(first, place, values, kernel, channels, columns):
    """Through a dense layer: `kernel` is flat (places, channels, columns). One slot a candidate."""
    count = len(first) - 1
    start, channel, value = _nonzero(values, channels, np.ones(len(place), np.bool_))
    rows = np.zeros(count * columns, np.float32)
    for n in range(count):
        for s in range(first[n], first[n + 1]):
            accumulate(rows, n * columns, kernel, np.int64(place[s]) * channels * columns, columns,
                       channel, value, start[s], start[s + 1])
    return np.arange(count + 1), np.zeros(count, np.int32), rows.reshape(count, columns)


@compiled
def relu(place, values, clean):
    """Through max(0, x); `clean` (H * W, C) is x of the unchanged image."""
    zero, rows = np.float32(0), np.empty_like(values)
    for s in range(len(place)):
        row, added, x = rows[s], values[s], clean[place[s]]
        for c in range(len(row)):
            row[c] = max(x[c] + added[c], zero) - max(x[c], zero)
    return rows


@compiled
def maximum(first, place, values, reach, covers, clean, clean_out):
    """Through maximum pooling; `clean` and `clean_out` are its input and output, unchanged; the
    window of output place p covers the places covers[p] (taps) of the input, -1 where it ends."""
    out_first, out_place, _ = _reached(first, place, *reach, covers.shape[1], len(covers))
    columns, slot_at = values.shape[1], np.full(len(clean), -1, np.int32)
    rows = np.full(len(out_place) * columns, -np.inf, np.float32)
    clean, values, unchanged = clean.reshape(-1), values.reshape(-1), np.zeros(columns, np.float32)
    for n in range(len(first) - 1):
        for s in range(first[n], first[n + 1]):
            slot_at[place[s]] = s
        for slot in range(out_first[n], out_first[n + 1]):
            for at in covers[out_place[slot]]:
                if at >= 0 and slot_at[at] >= 0:
                    greater(rows, slot * columns, clean, np.int64(at) * columns, values,
                            np.int64(slot_at[at]) * columns, columns)
                elif at >= 0:
                    greater(rows, slot * columns, clean, np.int64(at) * columns, unchanged, 0, columns)
            row, before = rows[slot * columns:(slot + 1) * columns], clean_out[out_place[slot]]
            for c in range(columns):
                row[c] -= before[c]
        for s in range(first[n], first[n + 1]):
            slot_at[place[s]] = -1
    return out_first, out_place, rows.reshape(-1, columns)


@compiled
def mean(first, values, places):
    """Through the mean over all `places`. One slot a candidate."""
    count = len(first) - 1
    rows = np.zeros((count, values.shape[1]), np.float32)
    for n in range(count):
        total = rows[n]
        for s in range(first[n], first[n + 1]):
            added = values[s]
            for c in range(len(total)):
                total[c] += added[c]
        for c in range(len(total)):
            total[c] /= np.float32(places)
    return np.arange(count + 1), np.zeros(count, np.int32), rows


@compiled
def add(first, place, values, first_b, place_b, values_b, places):
    """The sum of two changes of tensors of one shape: the union of their places."""
    out_first, slot_at = np.zeros(len(first), np.int64), np.full(places, -1, np.int32)
    out_place = np.empty(len(place) + len(place_b), np.int32)
    rows, slots = np.empty((len(out_place), values.shape[1]), np.float32), 0
    for n in range(len(first) - 1):
        for s in range(first[n], first[n + 1]):
            slot_at[place[s]], out_place[slots] = slots, place[s]
            rows[slots] = values[s]
            slots += 1
        for s in range(first_b[n], first_b[n + 1]):
            if slot_at[place_b[s]] < 0:
                slot_at[place_b[s]], out_place[slots] = slots, place_b[s]
                rows[slots] = values_b[s]
                slots += 1
            else:
                row, added = rows[slot_at[place_b[s]]], values_b[s]
                for c in range(len(row)):
                    row[c] += added[c]
        for slot in range(out_first[n], slots):
            slot_at[out_place[slot]] = -1
        out_first[n + 1] = slots
    return out_first, out_place[:slots], rows[:slots]
