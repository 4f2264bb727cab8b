"""Photographs and their parts at other sizes: the levels of the pyramid, and patches inside boxes.

Both are resized as by TensorFlow, by float32 operations in the same order, and scaled to -1 to 1.
"""

import math

import numpy as np

from maskdet.faces.cascade.convolution import compiled

SMALLEST, CELL = 20, 12  # pixels: the width of the smallest face, and the width at which P-net sees a face
FACTOR = 0.709  # from the scale of a level to the next
GREY = np.float32(127.5)  # becomes 0


def scales(height: int, width: int) -> np.ndarray:
    """The scales of the pyramid, (S,), none where a side is not much longer than SMALLEST. At the first a face of
    SMALLEST pixels is CELL pixels wide; at the last a face as large as the photograph is somewhat wider than CELL."""
    count = round(-(math.log(min(height, width) / CELL) / math.log(FACTOR) + 1))
    return CELL / SMALLEST * FACTOR ** np.arange(count)


@compiled
def _shares(inner, outer):
    """How an axis of `outer` pixels is resized to `inner`: for each new pixel the first old pixel that it covers, how
    many it covers, and how much of each (inner, most) float32. Rounded as in `tf.image.resize(method="area")`."""
    scale = np.float32(outer) / np.float32(inner)
    first, count = np.empty(inner, np.int64), np.empty(inner, np.int64)
    share = np.zeros((inner, int(scale) + 3), np.float32)
    for k in range(inner):
        begin, end = np.float32(k) * scale, np.float32(k + 1) * scale
        first[k], last = math.floor(begin), min(math.ceil(end), outer)
        count[k] = last - first[k]
        for i in range(first[k], last):
            low = max(np.float32(i), begin)
            high = end if i + 1 == last else np.float32(i + 1)  # the rounded end may lie beyond the last pixel
            share[k, i - first[k]] = high - low
    return first, count, share


@compiled
def level(photograph, height, width, slack):
    """`photograph` (H, W, 3) uint8 at a smaller size, each pixel the mean of the area that it covers: flat float32
    (height, width, 3), -1 to 1, then `slack` zeros."""
    rows, columns = photograph.shape[0], photograph.shape[1]
    pixels = photograph.reshape(rows, columns * 3)
    top, high, by_row = _shares(height, rows)
    left, wide, by_column = _shares(width, columns)
    area = (np.float32(columns) / np.float32(width)) * (np.float32(rows) / np.float32(height))
    scale = np.float32(1) / (area * np.float32(128))
    mean, out = np.empty(columns * 3, np.float32), np.zeros(height * width * 3 + slack, np.float32)
    for y in range(height):
        mean[:] = 0
        for i in range(high[y]):
            share, row = by_row[y, i], pixels[top[y] + i]
            for j in range(columns * 3):
                mean[j] += share * (np.float32(row[j]) - GREY)
        for x in range(width):
            red, green, blue, shares = np.float32(0), np.float32(0), np.float32(0), by_column[x]
            for i in range(wide[x]):
                j, share = (left[x] + i) * 3, shares[i]
                red += share * mean[j]
                green += share * mean[j + 1]
                blue += share * mean[j + 2]
            to = (y * width + x) * 3
            out[to], out[to + 1], out[to + 2] = red * scale, green * scale, blue * scale
    return out


@compiled
def patches(photograph, boxes, side):
    """The parts of `photograph` (H, W, 3) uint8 inside boxes: (N, side, side, 3) float32, -1 to 1, zero beyond it.

    `boxes` (N, 4) float32: top, left, bottom, right, as shares of its height and width. As `tf.image.crop_and_resize`:
    bilinear, the corners of a box at the centres of pixels."""
    height, width = np.float32(photograph.shape[0] - 1), np.float32(photograph.shape[1] - 1)
    out = np.zeros((len(boxes), side, side, 3), np.float32)
    for n in range(len(boxes)):
        top, left, bottom, right = boxes[n]
        down = (bottom - top) * height / np.float32(side - 1)
        across = (right - left) * width / np.float32(side - 1)
        for i in range(side):
            y = top * height + np.float32(i) * down
            if not 0 <= y <= height:
                continue
            above, below = math.floor(y), math.ceil(y)
            lower = y - np.float32(above)
            for j in range(side):
                x = left * width + np.float32(j) * across
                if not 0 <= x <= width:
                    continue
                before, after = math.floor(x), math.ceil(x)
                further = x - np.float32(before)
                for c in range(3):
                    upper = np.float32(photograph[above, before, c])
                    upper += (np.float32(photograph[above, after, c]) - upper) * further
                    under = np.float32(photograph[below, before, c])
                    under += (np.float32(photograph[below, after, c]) - under) * further
                    out[n, i, j, c] = (upper + (under - upper) * lower - GREY) / np.float32(128)
    return out
