"""The inner loops of incremental inference, written as vector instructions.

row += sum over j of value[j] * weights[channel[j]],  j the channels that changed. As a loop in
Python, LLVM keeps the row in memory; given as vectors, it keeps it in registers, and the loop
runs at nearly the rate of a matrix product (`make bench` shows the share). And a maximum, which
it would not make of vectors by itself.
"""

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

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
    start <= j < stop. All flat; `columns` is a multiple of LANES; the order of j is the order of the sum."""
    column = 0
    while column + 64 <= columns:
        _accumulate64(rows, at + column, weights, origin + column, columns, channels, values, start, stop)
        column += 64
    if column + 32 <= columns:
        _accumulate32(rows, at + column, weights, origin + column, columns, channels, values, start, stop)
        column += 32
    if column < columns:
        _accumulate16(rows, at + column, weights, origin + column, columns, channels, values, start, stop)


@intrinsic
def _greater(context, rows, at, clean, place, values, slot):
    vector, index = ir.VectorType(ir.FloatType(), LANES), types.int64

    def generate(context, builder, signature, arguments):
        row, old, added = (_vector(builder, _data(context, builder, signature, arguments, i), arguments[i + 1], vector)
                           for i in (0, 2, 4))
        before, new = builder.load(row, align=4), builder.fadd(builder.load(old, align=4), builder.load(added, align=4))
        builder.store(builder.select(builder.fcmp_ordered(">", new, before), new, before), row, align=4)
        return context.get_dummy_value()

    return types.void(rows, index, clean, index, values, index), generate


@njit(inline="always")
def greater(rows, at, clean, place, values, slot, columns):
    """Let rows[at:at + columns] be the larger of itself and clean[place:][:columns] +
    values[slot:][:columns]. All flat; `columns` is a multiple of LANES."""
    for column in range(0, columns, LANES):
        _greater(rows, at + column, clean, place + column, values, slot + column)
