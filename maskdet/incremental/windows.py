"""Layers that multiply, or take a maximum over a window: where incremental inference spends its time.

The inner loop is  row += sum over j of value[j] * weights[channel[j]],  j the channels that changed.
As a loop in Python, LLVM keeps the row in memory; given as vectors, it keeps it in registers, and
the loop runs at nearly the rate of a matrix product (`make bench` shows the share).

Numba keeps what it compiled until the file of a function changes, not those of the functions that
it calls: what calls each other is therefore in one file.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

BLOCK = 16  # candidates whose sums are made together, tap by tap: one tap's weights stay in cache
LANES = 16  # every row is padded with zeros to a multiple of this many float32


def _data(context, builder, signature, arguments, which: int):
    """The pointer to the first element of an argument that is an array."""
    return cgutils.create_struct_proxy(signature.args[which])(context, builder, arguments[which]).data


def _vector(builder, pointer, index, vector):
    """The pointer to a vector that begins at an element of an array."""
    return builder.bitcast(builder.gep(pointer, [index]), vector.as_pointer())


def _accumulation(lanes: int):
    """`accumulate` for `lanes` columns of a row, a number that is fixed when it is compiled."""
    ways = 64 // lanes  # so many totals side by side: no sum waits for the one before it
    integer, vector = ir.IntType(64), ir.VectorType(ir.FloatType(), lanes)
    undefined, everywhere = ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), lanes), None)

    def generate(context, builder, signature, arguments):
        def load(pointer, index):
            return builder.load(_vector(builder, pointer, index, vector), align=4)

        _, at, _, origin, stride, _, _, start, stop = arguments
        rows, weights, channels, values = (_data(context, builder, signature, arguments, i) for i in (0, 2, 5, 6))
        weights = builder.gep(weights, [origin])
        def plus(total, j):
            value = builder.insert_element(undefined, builder.load(builder.gep(values, [j])), ir.IntType(32)(0))
            channel = builder.sext(builder.load(builder.gep(channels, [j])), integer)
            # The flags let the product and the sum become one instruction.
            product = builder.fmul(builder.shuffle_vector(value, undefined, everywhere),
                                   load(weights, builder.mul(channel, stride)), flags=("contract",))
            return builder.fadd(total, product, flags=("contract",))

        def loop(j, totals):
            """Go on with one total after the other, len(totals) terms at a time, while there are so many."""
            before, head, body, end = builder.block, *(builder.append_basic_block() for _ in range(3))
            builder.branch(head)
            builder.position_at_end(head)
            phis = [builder.phi(one.type) for one in (j, *totals)]
            following = builder.add(phis[0], integer(len(totals)))
            builder.cbranch(builder.icmp_signed("<=", following, stop), body, end)
            builder.position_at_end(body)
            new = [plus(total, builder.add(phis[0], integer(k))) for k, total in enumerate(phis[1:])]
            builder.branch(head)
            for phi, first, other in zip(phis, (j, *totals), (following, *new)):
                phi.add_incoming(first, before)
                phi.add_incoming(other, body)
            builder.position_at_end(end)
            return phis[0], phis[1:]

        zero = ir.Constant(vector, None)
        j, totals = loop(start, [load(rows, at)] + [zero] * (ways - 1))
        total = totals[0]
        for other in totals[1:]:
            total = builder.fadd(total, other)
        if ways > 1:
            _, [total] = loop(j, [total])
        builder.store(total, _vector(builder, rows, at, vector), align=4)
        return context.get_dummy_value()

    @intrinsic
    def accumulate(context, rows, at, weights, origin, stride, channels, values, start, stop):
        index = types.int64
        return types.void(rows, index, weights, index, index, channels, values, index, index), generate

    return accumulate


_accumulate64, _accumulate32, _accumulate16 = (_accumulation(lanes) for lanes in (64, 32, LANES))


@njit(inline="always")
def accumulate(rows, at, weights, origin, columns, channels, values, start, stop):
    """Add to rows[at:at + columns] each values[j] * weights[origin + channels[j] * columns:][:columns],
    start <= j < stop, in an order that these two give. All flat; `columns` is a multiple of LANES."""
    column = 0
    while column + 64 <= columns:
        _accumulate64(rows, at + column, weights, origin + column, columns, channels, values, start, stop)
        column += 64
    if column + 32 <= columns:
        _accumulate32(rows, at + column, weights, origin + column, columns, channels, values, start, stop)
        column += 32
    if column < columns:
        _accumulate16(rows, at + column, weights, origin + column, columns, channels, values, start, stop)


def _comparison(lanes: int):
    """`greater` for `lanes` columns of a row."""
    vector, index = ir.VectorType(ir.FloatType(), lanes), types.int64

    def generate(context, builder, signature, arguments):
        row, old, added = (_vector(builder, _data(context, builder, signature, arguments, i), arguments[i + 1], vector)
                           for i in (0, 2, 4))
        before, new = builder.load(row, align=4), builder.fadd(builder.load(old, align=4), builder.load(added, align=4))
        builder.store(builder.select(builder.fcmp_ordered(">", new, before), new, before), row, align=4)
        return context.get_dummy_value()

    @intrinsic
    def greater(context, rows, at, clean, place, values, slot):
        return types.void(rows, index, clean, index, values, index), generate

    return greater


_greater64, _greater32, _greater16 = (_comparison(lanes) for lanes in (64, 32, LANES))


@njit(inline="always")
def greater(rows, at, clean, place, values, slot, columns):
    """Let rows[at:at + columns] be the larger of itself and clean[place:][:columns] +
    values[slot:][:columns]. All flat; `columns` is a multiple of LANES."""
    column = 0
    while column + 64 <= columns:
        _greater64(rows, at + column, clean, place + column, values, slot + column)
        column += 64
    if column + 32 <= columns:
        _greater32(rows, at + column, clean, place + column, values, slot + column)
        column += 32
    if column < columns:
        _greater16(rows, at + column, clean, place + column, values, slot + column)


compiled = njit(cache=True, nogil=True, error_model="numpy")


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
