"""Convolutions of small networks, compiled: sums of products in vectors of channels.

The inner loop is  sum[p] += source[start + offset[t] + p * stride] * weights[t]  over the taps t (the weights of a
kernel), where sum[p] and weights[t] are vectors of LANES output channels and p are PIXELS neighbouring pixels. A
tap's weights are loaded once for all these pixels, and the sums stay in registers: `tile` is an intrinsic because
LLVM keeps the sums in memory where they are an array. Every sum adds its taps in their order, on every machine: the
number of pixels changes the speed, not the result.

Numba keeps compiled code until the file of its function changes, whatever happens to functions of other files that it
calls: functions that call each other are therefore in this file together.
"""

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16  # float32 in a vector; every layer's channels are padded with zeros to a multiple of it
# As many sums as the registers hold beside a vector of weights: 32 of 16 float32, or 16 of 8.
PIXELS = 16 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 6
SLACK = PIXELS * 64  # numbers at the end of an array: the last tile may read and write beyond the last pixel
INTEGER, VECTOR = ir.IntType(64), ir.VectorType(ir.FloatType(), LANES)

compiled = njit(cache=True, nogil=True, error_model="numpy")


def _data(context, builder, signature, arguments, which):
    """The pointer to the first element of an argument that is an array."""
    return cgutils.create_struct_proxy(signature.args[which])(context, builder, arguments[which]).data


def _vector(builder, pointer, index):
    """The pointer to LANES elements of an array as a vector."""
    return builder.bitcast(builder.gep(pointer, [index]), VECTOR.as_pointer())


@intrinsic
def larger(context, out, at, source, start, first):
    """Set out[at:at + LANES] to source[start:][:LANES] where `first`, else to the larger of the two."""
    def generate(context, builder, signature, arguments):
        place, near = (_vector(builder, _data(context, builder, signature, arguments, which), arguments[which + 1])
                       for which in (0, 2))
        old, new = builder.load(place, align=4), builder.load(near, align=4)
        most = builder.select(builder.fcmp_ordered(">", new, old), new, old)
        builder.store(builder.select(arguments[4], new, most), place, align=4)
        return context.get_dummy_value()

    return types.void(out, types.int64, source, types.int64, types.boolean), generate


@intrinsic
def tile(context, out, at, step, source, start, stride, offsets, weights, origin, taps, bias, slope, channel):
    """Compute PIXELS pixels in LANES channels. For pixel p, out[at + p * step:][:LANES] becomes the sum over t < taps
    of source[start + offsets[t] + p * stride] * weights[origin + t * LANES:][:LANES], plus bias[channel:], a negative
    result times slope[channel:]. All arrays are flat float32, offsets int64. Pixels are written in their order: where
    `step` is less than LANES, each overwrites the zeros that pad the pixel before it."""
    def generate(context, builder, signature, arguments):
        def spread(value):
            lane = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), value, ir.IntType(32)(0))
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
            return builder.shuffle_vector(lane, ir.Constant(VECTOR, ir.Undefined), zeros)

        _, at, step, _, start, stride, _, _, origin, taps, _, _, channel = arguments
        out, source, offsets, weights, bias, slope = (_data(context, builder, signature, arguments, which)
                                                       for which in (0, 3, 6, 7, 10, 11))
        source, weights = builder.gep(source, [start]), builder.gep(weights, [origin])
        steps = [builder.mul(stride, INTEGER(p)) for p in range(PIXELS)]
        first = builder.load(_vector(builder, bias, channel), align=4)
        before, head, body, end = builder.block, *(builder.append_basic_block() for _ in range(3))
        builder.branch(head)
        builder.position_at_end(head)
        tap, sums = builder.phi(INTEGER), [builder.phi(VECTOR) for _ in range(PIXELS)]
        builder.cbranch(builder.icmp_signed("<", tap, taps), body, end)
        builder.position_at_end(body)
        weight = builder.load(_vector(builder, weights, builder.mul(tap, INTEGER(LANES))), align=4)
        here = builder.gep(source, [builder.load(builder.gep(offsets, [tap]))])
        # The flags let a product and its sum become one instruction.
        added = [builder.fadd(total, builder.fmul(spread(builder.load(builder.gep(here, [ahead]))), weight,
                                                  flags=("contract",)), flags=("contract",))
                 for total, ahead in zip(sums, steps)]
        following = builder.add(tap, INTEGER(1))
        builder.branch(head)
        for phi, begin, update in zip((tap, *sums), (INTEGER(0), *[first] * PIXELS), (following, *added)):
            phi.add_incoming(begin, before)
            phi.add_incoming(update, body)
        builder.position_at_end(end)
        slopes, zero = builder.load(_vector(builder, slope, channel), align=4), ir.Constant(VECTOR, None)
        for p, total in enumerate(sums):
            positive = builder.fcmp_ordered(">", total, zero)
            total = builder.select(positive, total, builder.fmul(total, slopes))
            builder.store(total, _vector(builder, out, builder.add(at, builder.mul(step, INTEGER(p)))), align=4)
        return context.get_dummy_value()

    index = types.int64
    return types.void(out, index, index, source, index, index, offsets, weights, index, index, bias, slope,
                      index), generate


@compiled
def layer(out, at, step, source, start, stride, offsets, weights, bias, slope, pixels):
    """`pixels` neighbouring pixels through a convolution and its PReLU, as `tile`, in all of its channels. `weights`:
    (groups of LANES channels, taps, LANES), flat; `bias` and `slope`: a number for each channel."""
    taps = len(offsets)
    for channel in range(0, len(bias), LANES):
        for pixel in range(0, pixels, PIXELS):
            tile(out, at + pixel * step + channel, step, source, start + pixel * stride, stride, offsets, weights,
                 channel * taps, taps, bias, slope, channel)


@compiled
def pool(out, at, source, row, rows, columns, window, channels, out_rows, out_columns):
    """Maximum pooling by steps of 2: out[at:], flat (out_rows, out_columns, channels), from `source`, `rows` x
    `columns` pixels whose rows are `row` pixels apart. Windows beyond the last row or column end there."""
    for y in range(out_rows):
        for x in range(out_columns):
            to, corner = at + (y * out_columns + x) * channels, 2 * (y * row + x) * channels
            for channel in range(0, channels, LANES):
                first = True
                for i in range(min(window, rows - 2 * y)):
                    for j in range(min(window, columns - 2 * x)):
                        larger(out, to + channel, source, corner + (i * row + j) * channels + channel, first)
                        first = False


@compiled
def through(source, size, stride, offsets, weights, bias, slope, patches, row, side, window, pooled):
    """`patches`, each of `size` numbers, through `layer` and, unless `window` is 0, a maximum pooling.

    The convolution gives `side` rows and columns, the rows `row` pixels apart as in its input: numbers between them
    have no meaning. Returns flat (patches padded to a multiple of PIXELS, pixels, channels), and SLACK; the pixels
    are `pooled` x `pooled`, or without pooling `side` rows, padded to a multiple of PIXELS.
    """
    channels, pixels = len(bias), (side - 1) * row + side
    convolved = -(-pixels // PIXELS) * PIXELS * channels
    each = pooled * pooled * channels if window else convolved
    out = np.zeros(-(-patches // PIXELS) * PIXELS * each + SLACK, np.float32)
    patch_out = np.zeros(convolved, np.float32)
    for patch in range(patches):
        if window:  # patch by patch, so that the convolution's output stays in the cache
            layer(patch_out, 0, channels, source, patch * size, stride, offsets, weights, bias, slope, pixels)
            pool(out, patch * each, patch_out, row, side, side, window, channels, pooled, pooled)
        else:
            layer(out, patch * each, channels, source, patch * size, stride, offsets, weights, bias, slope, pixels)
    return out


@compiled
def dense(source, size, offsets, weights, bias, slope, patches):
    """`patches`, each of `size` numbers, through a dense layer and its PReLU: flat (patches padded to a multiple of
    PIXELS, units), and SLACK. A patch is to this layer what a pixel is to a convolution."""
    units = len(bias)
    out = np.zeros(-(-patches // PIXELS) * PIXELS * units + SLACK, np.float32)
    layer(out, 0, units, source, 0, size, offsets, weights, bias, slope, patches)
    return out


@compiled
def proposals(level, height, width, threshold, ring, first, second, third, last):
    """A level of the pyramid, flat (height, width, 3) and SLACK, through P-net: (M, 7) float32, for each cell whose
    probability of a face exceeds `threshold` its row, column, four offsets of the box, and probability.

    `first` to `last`: offsets, weights, bias and slope of each layer. `second` and `third` read three rows from a
    ring of three slots, each `ring` numbers long: their offsets are (3, taps), by the slot of the first row. A row
    goes through all layers before the next row, so that the layers' outputs stay in the cache.
    """
    wide, high = (width - 1) // 2, (height - 1) // 2  # after 2 x 2 pooling, whose last window may be cut
    pair = np.zeros(2 * width * LANES + SLACK, np.float32)
    pooled, convolved = np.zeros(3 * ring, np.float32), np.zeros(3 * ring, np.float32)
    features, heads = np.zeros(wide * 2 * LANES + SLACK, np.float32), np.zeros(wide * LANES + SLACK, np.float32)
    cells, count = np.empty((256, 7), np.float32), 0
    for y in range(high):
        rows = min(2, height - 2 - 2 * y)
        for i in range(rows):
            layer(pair, i * width * LANES, LANES, level, (2 * y + i) * width * 3, 3, *first, width - 2)
        pool(pooled, y % 3 * ring, pair, width, rows, width - 2, 2, LANES, 1, wide)
        if y < 2:
            continue
        layer(convolved, (y - 2) % 3 * ring, LANES, pooled, 0, LANES, second[0][(y - 2) % 3], *second[1:], wide - 2)
        if y < 4:
            continue
        layer(features, 0, 2 * LANES, convolved, 0, LANES, third[0][(y - 4) % 3], *third[1:], wide - 4)
        layer(heads, 0, LANES, features, 0, 2 * LANES, *last, wide - 4)
        for x in range(wide - 4):
            no_face, face = heads[x * LANES + 4], heads[x * LANES + 5]
            if face <= no_face:  # a probability of a half at most
                continue
            probability = np.float32(1) / (np.exp(no_face - face) + np.float32(1))
            if probability > threshold:
                if count == len(cells):
                    cells = np.concatenate((cells, np.empty_like(cells)))
                cells[count, 0], cells[count, 1], cells[count, 6] = y - 4, x, probability
                cells[count, 2:6] = heads[x * LANES:x * LANES + 4]
                count += 1
    return cells[:count]
