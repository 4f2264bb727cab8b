"""What a change of an image does to each kind of layer, compiled.

A batch of changes of a tensor (H, W, C) is three arrays. The slots of candidate n are first[n] to first[n + 1]. Slot s
lies at place[s] = row * W + column, and values[s] (C, padded) is what is added there. Elsewhere the tensor is that of
the unchanged image. The order of a candidate's sums depends on the candidate alone, so that it gets the same bits
whatever else is in the batch.
"""

import numpy as np

from maskdet.incremental.windows import LANES, compiled, reached


@compiled
def pixels(image, changes):
    """Changes (N, P, 2 + C: row, column, a value for each channel) of `image` (H, W, C) uint8. Where two of the P
    pixels are at the same place, the last counts."""
    count, size, _ = changes.shape
    first, place = np.zeros(count + 1, np.int64), np.empty(count * size, np.int32)
    channels = image.shape[2]
    values, slots = np.zeros((count * size, channels + -channels % LANES), np.float32), 0
    for n in range(count):
        for k in range(size):
            row, column = changes[n, k, 0], changes[n, k, 1]
            last = True
            for other in range(k + 1, size):
                if changes[n, other, 0] == row and changes[n, other, 1] == column:
                    last = False
            if last:
                place[slots] = row * image.shape[1] + column
                for c in range(channels):
                    values[slots, c] = np.float32(changes[n, k, 2 + c]) - np.float32(image[row, column, c])
                slots += 1
        first[n + 1] = slots
    return first, place[:slots], values[:slots]


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
def bend(place, values, clean, slope, top):
    """Through min(x, top), below 0 times the `slope` (1 or H * W, C); `clean` (H * W, C) is x of the unchanged
    image."""
    zero, rows = np.float32(0), np.empty_like(values)
    for s in range(len(place)):
        row, added, x = rows[s], values[s], clean[place[s]]
        below = slope[place[s] if len(slope) > 1 else 0]
        for c in range(len(row)):
            new = x[c] + added[c]
            row[c] = (min(new, top) if new >= zero else new * below[c]) - (min(x[c], top) if x[c] >= zero
                                                                           else x[c] * below[c])
    return rows


@compiled
def depthwise(first, place, values, reach, places, kernel):
    """Through a convolution of each channel alone: `reach` as in `reached`, `kernel` (taps, columns)."""
    out_first, out_place, target = reached(first, place, *reach, len(kernel), places)
    rows = np.zeros((len(out_place), values.shape[1]), np.float32)
    for s in range(len(place)):
        added = values[s]
        for tap in range(len(kernel)):
            if target[s, tap] >= 0:
                row, weights = rows[target[s, tap]], kernel[tap]
                for c in range(len(row)):
                    row[c] += added[c] * weights[c]
    return out_first, out_place, rows


@compiled
def mean(first, values, places):
    """Through the mean over all `places`; each candidate has one slot afterwards."""
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
    """The sum of two changes of tensors of the same shape: the union of their places."""
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
