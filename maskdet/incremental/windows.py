"""Layers that multiply, or take a maximum over a window: where incremental inference spends its time.

The inner loop is  row += sum over j of value[j] * weights[channel[j]],  j the channels that changed.
As a loop in Python, LLVM keeps the row in memory; as vectors, it keeps it in registers, and the loop itself runs at
more than half the rate of a matrix product on one core. Intrinsics, with no function around: Numba counts the
references to each array that a function takes.

Numba compiles anew what lies in a file that changed, not what calls it from another: all of it is in this file.
"""

import functools

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

BLOCK = 16  # candidates whose sums are made together, tap by tap: a tap's weights stay in cache
LANES = 16  # every row is padded with zeros to a multiple of this many float32
INTEGER = ir.IntType(64)


def _data(context, builder, signature, arguments, which: int):
    """The pointer to the first element of an argument that is an array."""
    return cgutils.create_struct_proxy(signature.args[which])(context, builder, arguments[which]).data


def _vector(builder, pointer, index, lanes: int):
    """The pointer to `lanes` elements of an array as one vector."""
    return builder.bitcast(builder.gep(pointer, [index]), ir.VectorType(ir.FloatType(), lanes).as_pointer())


def _blocks(builder, columns, block) -> None:
    """Emit `block(column, lanes)` for columns 0 to `columns` in vectors of 64, then 32, then LANES."""
    place = cgutils.alloca_once_value(builder, INTEGER(0))
    for lanes in (64, 32, LANES):
        head, body, end = (builder.append_basic_block() for _ in range(3))
        builder.branch(head)
        builder.position_at_end(head)
        column = builder.load(place)
        builder.cbranch(builder.icmp_signed("<=", builder.add(column, INTEGER(lanes)), columns), body, end)
        builder.position_at_end(body)
        block(column, lanes)
        builder.store(builder.add(column, INTEGER(lanes)), place)
        builder.branch(head)
        builder.position_at_end(end)


def _terms(builder, totals, start, stop, term):
    """Emit the loop that adds `term(j)`, vectors, for start <= j < stop to one of `totals` after the other, so
    that no sum waits for the sum before it, and goes on while there is a j for each; the last j, and the totals."""
    before, head, body, end = builder.block, *(builder.append_basic_block() for _ in range(3))
    builder.branch(head)
    builder.position_at_end(head)
    phis = [builder.phi(value.type) for value in (start, *totals)]
    following = builder.add(phis[0], INTEGER(len(totals)))
    builder.cbranch(builder.icmp_signed("<=", following, stop), body, end)
    builder.position_at_end(body)
    # The flags let the product in the term and this sum become one instruction.
    new = [builder.fadd(total, term(builder.add(phis[0], INTEGER(k))), flags=("contract",))
           for k, total in enumerate(phis[1:])]
    builder.branch(head)
    for phi, first, other in zip(phis, (start, *totals), (following, *new)):
        phi.add_incoming(first, before)
        phi.add_incoming(other, body)
    builder.position_at_end(end)
    return phis[0], phis[1:]


@intrinsic
def accumulate(context, rows, at, weights, origin, columns, channels, values, start, stop):
    """Add to rows[at:at + columns] each values[j] * weights[origin + channels[j] * columns:][:columns],
    start <= j < stop, in an order that these two give. All flat; `columns` is a multiple of LANES."""
    def generate(context, builder, signature, arguments):
        _, at, _, origin, columns, _, _, start, stop = arguments
        rows, weights, channels, values = (_data(context, builder, signature, arguments, i) for i in (0, 2, 5, 6))

        def block(column, lanes):
            undefined = ir.Constant(ir.VectorType(ir.FloatType(), lanes), ir.Undefined)
            first = ir.Constant(ir.VectorType(ir.IntType(32), lanes), None)  # element 0, for each lane
            here = builder.gep(weights, [builder.add(origin, column)])

            def product(j):
                value = builder.insert_element(undefined, builder.load(builder.gep(values, [j])), ir.IntType(32)(0))
                channel = builder.sext(builder.load(builder.gep(channels, [j])), INTEGER)
                weight = builder.load(_vector(builder, here, builder.mul(channel, columns), lanes), align=4)
                return builder.fmul(builder.shuffle_vector(value, undefined, first), weight, flags=("contract",))

            row = _vector(builder, rows, builder.add(at, column), lanes)
            zero = ir.Constant(undefined.type, None)
            j, totals = _terms(builder, [builder.load(row, align=4), *[zero] * (64 // lanes - 1)], start, stop, product)
            total = functools.reduce(builder.fadd, totals)
            if len(totals) > 1:
                _, [total] = _terms(builder, [total], j, stop, product)
            builder.store(total, row, align=4)

        _blocks(builder, columns, block)
        return context.get_dummy_value()

    index = types.int64
    return types.void(rows, index, weights, index, index, channels, values, index, index), generate


@intrinsic
def greater(context, rows, at, clean, place, values, slot, clean_out, origin, columns):
    """Let rows[at:at + columns] be the larger of itself and clean[place:][:columns] + values[slot:][:columns] -
    clean_out[origin:][:columns]. All flat; `columns` is a multiple of LANES."""
    def generate(context, builder, signature, arguments):
        def block(column, lanes):
            row, *others = (_vector(builder, _data(context, builder, signature, arguments, i),
                                    builder.add(arguments[i + 1], column), lanes) for i in (0, 2, 4, 6))
            largest, old, added, before = (builder.load(pointer, align=4) for pointer in (row, *others))
            new = builder.fsub(builder.fadd(old, added), before)
            builder.store(builder.select(builder.fcmp_ordered(">", new, largest), new, largest), row, align=4)

        _blocks(builder, arguments[8], block)
        return context.get_dummy_value()

    index = types.int64
    return types.void(rows, index, clean, index, values, index, clean_out, index, index), generate


compiled = njit(cache=True, nogil=True, error_model="numpy")


@compiled
def reached(first, place, start, tap, out, taps, places):
    """Which of the output's `places` each slot reaches: place p reaches out[i] by tap[i] of the window, start[p] <= i <
    start[p + 1]. Returns first and place of the output, and for each slot and tap (S, taps) its slot there, or -1."""
    out_first, slot_at = np.zeros(len(first), np.int64), np.full(places, -1, np.int32)
    target = np.full((len(place), taps), -1, np.int32)
    out_place, slots = np.empty((start[place + 1] - start[place]).sum(), np.int32), 0
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
    """The values (S, >= channels) that are not zero, of the `used` slots: start of each slot, channels, values."""
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
    """Through a convolution: `reach` as in `reached`, `kernel` flat (taps, channels, columns)."""
    out_first, out_place, target = reached(first, place, *reach, taps, places)
    start, channel, value = _nonzero(values, channels, reach[0][place + 1] > reach[0][place])
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
    """Through maximum pooling; `clean` and `clean_out` are its input and output, unchanged; the window of output place
    p covers the places covers[p] (taps) of the input, -1 beyond the border."""
    out_first, out_place, _ = reached(first, place, *reach, covers.shape[1], len(covers))
    columns, slot_at = values.shape[1], np.full(len(clean), -1, np.int32)
    rows = np.full(len(out_place) * columns, -np.inf, np.float32)
    clean, clean_out, values = clean.reshape(-1), clean_out.reshape(-1), values.reshape(-1)
    unchanged = np.zeros(columns, np.float32)
    for n in range(len(first) - 1):
        for s in range(first[n], first[n + 1]):
            slot_at[place[s]] = s
        for slot in range(out_first[n], out_first[n + 1]):
            before = np.int64(out_place[slot]) * columns
            for tap in range(covers.shape[1]):
                at = np.int64(covers[out_place[slot], tap])
                if at >= 0 and slot_at[at] >= 0:
                    greater(rows, slot * columns, clean, at * columns, values, np.int64(slot_at[at]) * columns,
                            clean_out, before, columns)
                elif at >= 0:
                    greater(rows, slot * columns, clean, at * columns, unchanged, 0, clean_out, before, columns)
        for s in range(first[n], first[n + 1]):
            slot_at[place[s]] = -1
    return out_first, out_place, rows.reshape(-1, columns)


@compiled
def median(first, place, values, reach, covers, clean, clean_out, channels):
    """Through the median of nine taps; `clean` and `clean_out` are its input and output, unchanged."""
    out_first, out_place, _ = reached(first, place, *reach, covers.shape[1], len(covers))
    slot_at, nine = np.full(len(clean), -1, np.int32), np.empty(9, np.float32)
    rows = np.zeros((len(out_place), values.shape[1]), np.float32)
    for n in range(len(first) - 1):
        for s in range(first[n], first[n + 1]):
            slot_at[place[s]] = s
        for slot in range(out_first[n], out_first[n + 1]):
            for c in range(channels):
                for tap in range(9):
                    at = covers[out_place[slot], tap]
                    new, k = clean[at, c], tap
                    if slot_at[at] >= 0:
                        new += values[slot_at[at], c]
                    while k > 0 and nine[k - 1] > new:  # put where it belongs among the taps before it
                        nine[k] = nine[k - 1]
                        k -= 1
                    nine[k] = new
                rows[slot, c] = nine[4] - clean_out[out_place[slot], c]
        for s in range(first[n], first[n + 1]):
            slot_at[place[s]] = -1
    return out_first, out_place, rows
