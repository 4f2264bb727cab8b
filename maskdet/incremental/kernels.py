"""What one change of an image does to each kind of layer, compiled.

A batch of changes of one tensor (H, W, C) is three arrays: those of candidate n are the slots
first[n] to first[n + 1]; slot s lies at place[s] = row * W + column, and values[s] (C, padded) is
what is added there. Nothing else differs from the tensor of the unchanged image. A candidate's
sums are made in an order that depends on it alone, so it gets the same bits in any company.
"""

import numpy as np
from numba import njit

from maskdet.incremental.vectors import LANES, accumulate

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
def _reached(first, place, width, window, strides, padding, out):
    """Which places of the output `out` (H, W) each slot reaches: first and place of the output,
    and the output's slot for each slot and tap of the window, or -1."""
    out_first, slot_at = np.zeros(len(first), np.int64), np.full(out[0] * out[1], -1, np.int32)
    target = np.full((len(place), window[0] * window[1]), -1, np.int32)
    most = ((window[0] - 1) // strides[0] + 1) * ((window[1] - 1) // strides[1] + 1)
    out_place, slots = np.empty(len(place) * most, np.int32), 0
    for n in range(len(first) - 1):
        for s in range(first[n], first[n + 1]):
            top, left = place[s] // width + padding[0], place[s] % width + padding[1]
            for row in range(max(top - window[0] + strides[0], 0) // strides[0], min(top // strides[0] + 1, out[0])):
                for column in range(max(left - window[1] + strides[1], 0) // strides[1],
                                    min(left // strides[1] + 1, out[1])):
                    at = row * out[1] + column
                    if slot_at[at] < 0:
                        slot_at[at], out_place[slots] = slots, at
                        slots += 1
                    tap = (top - row * strides[0]) * window[1] + left - column * strides[1]
                    target[s, tap] = slot_at[at]
        for slot in range(out_first[n], slots):
            slot_at[out_place[slot]] = -1
        out_first[n + 1] = slots
    return out_first, out_place[:slots], target


@compiled
def convolution(first, place, values, width, kernel, channels, columns, window, strides, padding, out):
    """Through a convolution: `kernel` is flat (taps, channels, columns)."""
    out_first, out_place, target = _reached(first, place, width, window, strides, padding, out)
    start, channel, value = _nonzero(values, channels)
    rows = np.zeros(len(out_place) * columns, np.float32)
    for block in range(0, len(first) - 1, BLOCK):
        begin, end = first[block], first[min(block + BLOCK, len(first) - 1)]
        for tap in range(target.shape[1]):
            for s in range(begin, end):
                if target[s, tap] >= 0:
                    accumulate(rows, np.int64(target[s, tap]) * columns, kernel, tap * channels * columns,
                               columns, channel, value, start[s], start[s + 1])
    return out_first, out_place, rows.reshape(-1, columns)


@compiled
def dense(first, place, values, kernel, channels, columns):
    """Through a dense layer: `kernel` is flat (places, channels, columns). One slot a candidate."""
    count = len(first) - 1
    start, channel, value = _nonzero(values, channels)
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
def maximum(first, place, values, width, clean, clean_out, window, strides, padding, out):
    """Through maximum pooling; `clean` and `clean_out` are its input and output, unchanged."""
    out_first, out_place, _ = _reached(first, place, width, window, strides, padding, out)
    height = len(clean) // width
    rows, slot_at = np.full((len(out_place), values.shape[1]), -np.inf, np.float32), np.full(len(clean), -1, np.int32)
    for n in range(len(first) - 1):
        for s in range(first[n], first[n + 1]):
            slot_at[place[s]] = s
        for slot in range(out_first[n], out_first[n + 1]):
            row, before = rows[slot], clean_out[out_place[slot]]
            top = out_place[slot] // out[1] * strides[0] - padding[0]
            left = out_place[slot] % out[1] * strides[1] - padding[1]
            for y in range(max(top, 0), min(top + window[0], height)):
                for x in range(max(left, 0), min(left + window[1], width)):
                    old, at = clean[y * width + x], slot_at[y * width + x]
                    if at < 0:
                        for c in range(len(row)):
                            row[c] = max(row[c], old[c])
                    else:
                        added = values[at]
                        for c in range(len(row)):
                            row[c] = max(row[c], old[c] + added[c])
            for c in range(len(row)):
                row[c] -= before[c]
        for s in range(first[n], first[n + 1]):
            slot_at[place[s]] = -1
    return out_first, out_place, rows


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
