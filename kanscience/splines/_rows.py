"""The sums of a layer over points that lie row by row, compiled by numba.

Points are (sample, source), coefficients (source * basis, target), sums (sample, target): what one sample needs lies side by
side. With ``B[d]`` the basis functions, differentiated d times, and a weight w of each point,

    forward:  y[n, t]    = sum over s, i of  w[n, s] * B[d][i](x[n, s]) * c[s, i, t]
    dot:      q[n, s]    = sum over i, t of  B[d][i](x[n, s]) * c[s, i, t] * g[n, t]
    scatter:  c[s, i, t] = sum over n of     w[n, s] * B[d][i](x[n, s]) * g[n, t]

touch only the ``degree + 1`` functions that are not 0 at a point: on a finer grid there is no more to compute. On coarse
grids matrix products with all functions are quicker: `dense_forward`, `dense_dot` and `dense_scatter` write them out,
(sample, source * basis), for as many points at a time as stay in the second cache, and call the product of the library
that PyTorch computes with. The mathematics, at NaN and beyond [-1, 1] too, is that of `Location`.

Arrays are flat, so that no view is counted in the inner loops. Functions carry no annotations: numba reads the types off the
arguments. Samples, of `scatter` the sources, are shared among threads; every number is summed up by one thread, in order.
"""

from __future__ import annotations

import inspect
import sys
from collections import namedtuple
from collections.abc import Callable
from functools import cache, partial

import numpy as np
from llvmlite import ir
from numba import carray, cfunc, types  # type: ignore[attr-defined]
from numba.extending import intrinsic

from kanscience._numba import compiled
from kanscience.splines._team import Compiled

Sizes = namedtuple(
    "Sizes", "product threads samples sources targets basis functions powers pieces knots buckets order uniform"
)
"""``product`` address of a matrix product, ``threads`` of what says on how many threads it runs; ``pieces`` intervals of the
longest source, 1 where knots are equally spaced; ``knots``, ``buckets``: of one source."""

Arrays = namedtuple("Arrays", "x outside low high t weights coefficients bias g result")
"""Those that are not given have no elements: x (sample, source) in the user's units, to be mapped from its domains, low and
high (source,), onto [-1, 1]; what else stands in the formulas above; and ``bias`` (target,)."""

Curves = namedtuple("Curves", "knots intervals per_t buckets table slopes scale")
"""``knots`` (source, knot), those outside the domain too; ``intervals`` (source,); ``per_t`` (source, piece) inverse widths;
``buckets`` (source, bucket + 1) the interval at each bucket's start; ``table`` (source or 1, function, piece, power),
differentiated; ``slopes`` the same of the values' slope; ``scale`` (2, source) what both are to be multiplied by."""

Workspace = namedtuple("Workspace", "rows t sums place values per_t last_interval row scale")
"""Of the points (row, source) at hand: themselves, room for their sums, the place of their first function, the values of all
(last axis: function); and what comes of each point's source: ``per_t``, its last interval, where its places begin,
``scale``."""

_CUBIC = 4  # functions at a point, and powers of each: the usual case, written out
_POINTS = 2**10  # whose functions are held at once: they stay in the first cache, or close to it
_NEAREST, _NEAR = 2**15, 2**20  # bytes that stay in the first and second cache
_LINE = 64  # bytes of a line of the cache
_USUAL = 8  # basis functions of a source at grid 5, to say how many sources stay there


# Sums over targets: products are added unrounded, where processors can, several at a time, always in the same order.
compiled_sum = partial(compiled, fastmath=frozenset({"contract", "reassoc", "nsz"}))

U = np.uint64  # unsigned places: no question of counting from the end


@compiled
def mapped(sizes, curves, arrays, share, shares):
    """Write t of x, and into ``outside`` (share,) whether any of its share leaves [-1, 1]."""
    start, stop = _share(sizes.samples, share, shares)
    x, t, sources, one = arrays.x, arrays.t, U(sizes.sources), arrays.t.dtype.type(1)
    # Domains of some rows of points, one after the other: of few sources too, many points are mapped at a time.
    rows = max(min(_POINTS // max(sizes.sources, 1), stop - start), 1)
    low, half = np.empty(rows * sizes.sources, t.dtype), np.empty(rows * sizes.sources, t.dtype)
    for n in range(U(rows)):
        for s in range(sources):
            low[n * sources + s] = arrays.low[s]
            half[n * sources + s] = (arrays.high[s] - arrays.low[s]) / t.dtype.type(2)
    found = False
    for begin in range(start, stop, rows):
        at = U(begin) * sources
        for i in range(U(min(rows, stop - begin)) * sources):
            place = (x[at + i] - low[i]) / half[i] - one
            t[at + i] = place
            found |= not (place >= -one and place <= one)  # True for NaN
    arrays.outside[share] = found


@compiled
def forward(sizes, curves, arrays, share, shares):
    """Write y (sample, target), begun with the bias where there is any; where x is given, t first."""
    start, stop = _share(sizes.samples, share, shares)
    t, coefficients, y = arrays.t, arrays.coefficients, arrays.result
    if arrays.x.size:
        mapped(sizes, curves, arrays, share, shares)
    width, together, group = U(sizes.targets), _together(sizes, coefficients), _group(sizes, coefficients)
    _begin(y, arrays.bias, start, stop, width)
    for left in range(0, sizes.sources, group):
        right = min(left + group, sizes.sources)
        count, work = right - left, _workspace(sizes, curves, t, left, right, False)
        for begin in range(start, stop, work.rows):
            end = min(begin + work.rows, stop)
            _stencils(sizes, curves, work, t, begin, end, left, right)
            _weigh(sizes, work, arrays.weights, begin, end, left, right)
            for first in range(0, count, together):
                k, some = U(first), U(min(together, count - first))
                for n in range(U(begin), U(end)):
                    if sizes.functions == _CUBIC:
                        _add_four(y, n * width, coefficients, width, work.place, work.values, k, some)
                    else:
                        _add_any(
                            y, n * width, coefficients, width, work.place, work.values, k, some, U(sizes.functions)
                        )
                    k += U(count)


@compiled
def dot(sizes, curves, arrays, share, shares):
    """Write q (sample, source); where domains are given, add to q and divide by half their widths."""
    start, stop = _share(sizes.samples, share, shares)
    t, coefficients, g, q = arrays.t, arrays.coefficients, arrays.g, arrays.result
    width, together, group = U(sizes.targets), _together(sizes, coefficients), _group(sizes, coefficients)
    for left in range(0, sizes.sources, group):
        right = min(left + group, sizes.sources)
        count, work = right - left, _workspace(sizes, curves, t, left, right, False)
        for begin in range(start, stop, work.rows):
            end = min(begin + work.rows, stop)
            _stencils(sizes, curves, work, t, begin, end, left, right)
            for first in range(0, count, together):
                k, some = U(first), U(min(together, count - first))
                for n in range(U(begin), U(end)):
                    if sizes.functions == _CUBIC:
                        _dot_four(work.sums, g, n * width, coefficients, width, work.place, work.values, k, some)
                    else:
                        functions = U(sizes.functions)
                        _dot_any(
                            work.sums, g, n * width, coefficients, width, work.place, work.values, k, some, functions
                        )
                    k += U(count)
            _put(q, sizes, arrays.low, arrays.high, work.sums, begin, end, left, right)


@compiled
def scatter(sizes, curves, arrays, share, shares):
    """Write c (source * basis, target)."""
    start, stop = _share(sizes.sources, share, shares)
    t, g, c = arrays.t, arrays.g, arrays.result
    width, together, count = U(sizes.targets), _together(sizes, c), stop - start
    c[start * sizes.basis * sizes.targets : stop * sizes.basis * sizes.targets] = 0
    work = _workspace(sizes, curves, t, start, stop, False)
    for begin in range(0, sizes.samples if count else 0, work.rows):
        end = min(begin + work.rows, sizes.samples)
        _stencils(sizes, curves, work, t, begin, end, start, stop)
        _weigh(sizes, work, arrays.weights, begin, end, start, stop)
        for first in range(0, count, together):
            k, some = U(first), U(min(together, count - first))
            for n in range(U(begin), U(end)):
                if sizes.functions == _CUBIC:
                    _spread_four(c, width, g, n * width, work.place, work.values, k, some)
                else:
                    _spread_any(c, width, g, n * width, work.place, work.values, k, some, U(sizes.functions))
                k += U(count)


@compiled
def dense_forward(sizes, curves, arrays, share, shares):
    """Write what `forward` does."""
    start, stop = _share(sizes.samples, share, shares)
    t, coefficients, y = arrays.t, arrays.coefficients, arrays.result
    if arrays.x.size:
        mapped(sizes, curves, arrays, share, shares)
    group = _group(sizes, coefficients)
    _begin(y, arrays.bias, start, stop, U(sizes.targets))
    for left in range(0, sizes.sources, group):
        right = min(left + group, sizes.sources)
        work = _workspace(sizes, curves, t, left, right, True)
        features, rows = _block(sizes, work, t, right - left)
        for begin in range(start, stop, rows):
            end = min(begin + rows, stop)
            _fill(sizes, curves, work, features, t, arrays.weights, begin, end, left, right)
            _multiply(
                sizes,
                (y, begin * sizes.targets, sizes.targets),
                (features, 0, (right - left) * sizes.basis, False),
                (coefficients, left * sizes.basis * sizes.targets, sizes.targets, False),
                (end - begin, sizes.targets, (right - left) * sizes.basis),
                True,
            )


@compiled
def dense_dot(sizes, curves, arrays, share, shares):
    """Write what `dot` does."""
    start, stop = _share(sizes.samples, share, shares)
    t, coefficients, g, q = arrays.t, arrays.coefficients, arrays.g, arrays.result
    group = _group(sizes, coefficients)
    for left in range(0, sizes.sources, group):
        right = min(left + group, sizes.sources)
        count, work = right - left, _workspace(sizes, curves, t, left, right, True)
        features, rows = _block(sizes, work, t, count)
        for begin in range(start, stop, rows):
            end = min(begin + rows, stop)
            _multiply(
                sizes,
                (features, 0, count * sizes.basis),
                (g, begin * sizes.targets, sizes.targets, False),
                (coefficients, left * sizes.basis * sizes.targets, sizes.targets, True),
                (end - begin, count * sizes.basis, sizes.targets),
                False,
            )
            for first in range(begin, end, work.rows):
                last = min(first + work.rows, end)
                _stencils(sizes, curves, work, t, first, last, left, right)
                _pick(sizes, work, features, U((first - begin) * count * sizes.basis), U((last - first) * count))
                _put(q, sizes, arrays.low, arrays.high, work.sums, first, last, left, right)


@compiled
def dense_scatter(sizes, curves, arrays, share, shares):
    """Write what `scatter` does."""
    start, stop = _share(sizes.sources, share, shares)
    t, g, c = arrays.t, arrays.g, arrays.result
    count, begins = stop - start, start * sizes.basis * sizes.targets
    c[begins : stop * sizes.basis * sizes.targets] = 0
    work = _workspace(sizes, curves, t, start, stop, True)
    features, rows = _block(sizes, work, t, count)
    for begin in range(0, sizes.samples if count else 0, rows):
        end = min(begin + rows, sizes.samples)
        _fill(sizes, curves, work, features, t, arrays.weights, begin, end, start, stop)
        _multiply(
            sizes,
            (c, begins, sizes.targets),
            (features, 0, count * sizes.basis, True),
            (g, begin * sizes.targets, sizes.targets, False),
            (count * sizes.basis, sizes.targets, end - begin),
            True,
        )


@compiled
def _begin(y, bias, start, stop, width):
    if bias.size == 0:
        y[U(start) * width : U(stop) * width] = 0
    else:
        for n in range(U(start), U(stop)):
            for j in range(width):
                y[n * width + j] = bias[j]


@compiled
def _block(sizes, work, t, count):
    """Return room for all functions of some rows of points, and how many rows: they share the second cache with others."""
    width = max(count * sizes.basis, 1)
    rows = work.rows * max(_NEAR // 2 // (width * t.itemsize * work.rows), 1)
    rows = min(rows, max(sizes.samples, 1))
    # The library may sum in another order where numbers do not begin with a line of the cache.
    room = np.empty(rows * width + _LINE // t.itemsize, t.dtype)
    begin = (-room.ctypes.data) % _LINE // t.itemsize
    return room[begin : begin + rows * width], rows


@compiled
def _fill(sizes, curves, work, features, t, weights, begin, end, left, right):
    """Write features (row, source * basis) of these samples and sources."""
    count, functions = right - left, U(sizes.functions)
    for first in range(begin, end, work.rows):
        last = min(first + work.rows, end)
        _stencils(sizes, curves, work, t, first, last, left, right)
        _weigh(sizes, work, weights, first, last, left, right)
        block, place, values = U((first - begin) * count * sizes.basis), work.place, work.values
        features[block : U((last - begin) * count * sizes.basis)] = 0  # while they are in the first cache
        if functions == _CUBIC:
            for k in range(U((last - first) * count)):
                at, v = block + U(place[k]), k * U(_CUBIC)
                v0, v1, v2, v3 = values[v], values[v + U(1)], values[v + U(2)], values[v + U(3)]  # one load, one store
                features[at] = v0
                features[at + U(1)] = v1
                features[at + U(2)] = v2
                features[at + U(3)] = v3
        else:
            for k in range(U((last - first) * count)):
                at, v = block + U(place[k]), k * functions
                for r in range(functions):
                    features[at + r] = values[v + r]


@compiled
def _pick(sizes, work, features, block, size):
    """Write the sums of features times the values of the functions at that place."""
    place, values, sums, functions = work.place, work.values, work.sums, U(sizes.functions)
    if functions == _CUBIC:
        for k in range(size):
            at, v = block + U(place[k]), k * U(_CUBIC)
            left = features[at] * values[v] + features[at + U(1)] * values[v + U(1)]
            right = features[at + U(2)] * values[v + U(2)] + features[at + U(3)] * values[v + U(3)]
            sums[k] = left + right
    else:
        for k in range(size):
            at, v, total = block + U(place[k]), k * functions, values.dtype.type(0)
            for r in range(functions):
                total += features[at + r] * values[v + r]
            sums[k] = total


@compiled
def _multiply(sizes, to, left, right, shape, added):
    """Write the product of two matrices, or add it.

    ``to`` is (numbers, begin, row length), ``left`` and ``right`` are (numbers, begin, row length, transposed), ``shape`` is
    (rows, columns, inner).
    """
    rows, columns, inner = shape
    # Of the other kind of order in memory, where matrices appear transposed: right comes before left.
    turned = np.array([84 if right[3] else 78, 84 if left[3] else 78], np.uint8)  # T and N
    lengths = np.array([columns, rows, inner, max(right[2], 1), max(left[2], 1), max(to[2], 1)], np.int32)
    factors = np.array([1, 1 if added else 0], to[0].dtype)
    if rows > 0 and columns > 0:
        _gemm(sizes.product, turned, lengths, factors, right[0][right[1] :], left[0][left[1] :], to[0][to[1] :])  # type: ignore[call-arg]


@compiled
def _put(q, sizes, low, high, sums, begin, end, first, last):
    """Write sums (row, source) of these samples and sources into q; with domains, add to it and divide."""
    count, k, two = U(last - first), U(0), q.dtype.type(2)
    for n in range(begin, end):
        at = U(n * sizes.sources + first)
        for s in range(count):
            if low.size:
                q[at + s] = (q[at + s] + sums[k + s]) / ((high[U(first) + s] - low[U(first) + s]) / two)
            else:
                q[at + s] = sums[k + s]
        k += count


@compiled
def _share(size, share, shares):
    return size * share // shares, size * (share + 1) // shares


@compiled
def _together(sizes, coefficients):
    """Return how many sources' coefficients stay in the first cache."""
    return max(_NEAREST // (_USUAL * max(sizes.targets, 1) * coefficients.itemsize), 1)


@compiled
def _group(sizes, coefficients):
    """Return how many sources' coefficients stay in the second cache while all samples pass."""
    return max(_NEAR // (max(sizes.basis * sizes.targets, 1) * coefficients.itemsize), 1)


# One row of samples and some of its sources: these have their places and values from k on.


@compiled_sum
def _add_four(y, at, c, width, place, values, k, count):
    """Add rows of c, each times its value, to the row of y that begins ``at``."""
    for i in range(k, k + count):
        row0, v = U(place[i]) * width, i * U(_CUBIC)
        row1, row2, row3 = row0 + width, row0 + U(2) * width, row0 + U(3) * width
        v0, v1, v2, v3 = values[v], values[v + U(1)], values[v + U(2)], values[v + U(3)]
        for j in range(width):
            y[at + j] += v0 * c[row0 + j] + v1 * c[row1 + j] + v2 * c[row2 + j] + v3 * c[row3 + j]


@compiled_sum
def _add_any(y, at, c, width, place, values, k, count, functions):
    for i in range(k, k + count):
        for r in range(functions):
            row, value = (U(place[i]) + r) * width, values[i * functions + r]
            for j in range(width):
                y[at + j] += value * c[row + j]


@compiled_sum
def _dot_four(sums, g, at, c, width, place, values, k, count):
    """Write the products of the row of g that begins ``at`` with rows of c, each times its value."""
    for i in range(k, k + count):
        row0, v = U(place[i]) * width, i * U(_CUBIC)
        row1, row2, row3 = row0 + width, row0 + U(2) * width, row0 + U(3) * width
        v0, v1, v2, v3 = values[v], values[v + U(1)], values[v + U(2)], values[v + U(3)]
        total = values.dtype.type(0)
        for j in range(width):
            total += g[at + j] * (v0 * c[row0 + j] + v1 * c[row1 + j] + v2 * c[row2 + j] + v3 * c[row3 + j])
        sums[i] = total


@compiled_sum
def _dot_any(sums, g, at, c, width, place, values, k, count, functions):
    for i in range(k, k + count):
        total = values.dtype.type(0)
        for r in range(functions):
            row, part = (U(place[i]) + r) * width, values.dtype.type(0)
            for j in range(width):
                part += g[at + j] * c[row + j]
            total += values[i * functions + r] * part
        sums[i] = total


@compiled_sum
def _spread_four(c, width, g, at, place, values, k, count):
    """Add the row of g that begins ``at``, times each value, to rows of c."""
    for i in range(k, k + count):
        row0, v = U(place[i]) * width, i * U(_CUBIC)
        row1, row2, row3 = row0 + width, row0 + U(2) * width, row0 + U(3) * width
        v0, v1, v2, v3 = values[v], values[v + U(1)], values[v + U(2)], values[v + U(3)]
        for j in range(width):
            x = g[at + j]
            c[row0 + j] += v0 * x
            c[row1 + j] += v1 * x
            c[row2 + j] += v2 * x
            c[row3 + j] += v3 * x


@compiled_sum
def _spread_any(c, width, g, at, place, values, k, count, functions):
    for i in range(k, k + count):
        for r in range(functions):
            row, value = (U(place[i]) + r) * width, values[i * functions + r]
            for j in range(width):
                c[row + j] += value * g[at + j]


@intrinsic
def _fma(typing, a, b, c):
    """Return ``a * b + c``, rounded once."""

    def generate(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return a(a, b, c), generate


@intrinsic
def _gemm(typing, address, turned, lengths, factors, a, b, c):
    """Call a product of the Fortran library BLAS, ``c = factors[0] * a @ b + factors[1] * c``."""

    def generate(context, builder, signature, arguments):
        arrays = [
            context.make_array(kind)(context, builder, array).data
            for kind, array in zip(signature.args[1:], arguments[1:], strict=True)
        ]
        letters, sizes, numbers, *matrices = (builder.ptrtoint(pointer, ir.IntType(64)) for pointer in arrays)

        def pointers(start, step, count):
            places = (builder.add(start, ir.Constant(ir.IntType(64), step * place)) for place in range(count))
            return [builder.inttoptr(place, ir.IntType(8).as_pointer()) for place in places]

        of_a, of_b, of_c = (pointers(matrix, 0, 1)[0] for matrix in matrices)
        rows, columns, inner, a_length, b_length, c_length = pointers(sizes, 4, 6)
        one, other = pointers(numbers, a.dtype.bitwidth // 8, 2)
        given = [
            *pointers(letters, 1, 2),
            rows,
            columns,
            inner,
            one,
            of_a,
            a_length,
            of_b,
            b_length,
            other,
            of_c,
            c_length,
        ]
        kind = ir.FunctionType(ir.VoidType(), [pointer.type for pointer in given])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), given)
        return context.get_dummy_value()

    return types.void(address, turned, lengths, factors, a, b, c), generate


@compiled
def _workspace(sizes, curves, t, first, last, dense):
    """Return room for some rows of points of these sources, and what depends on the source alone, for each of the points.

    Places count rows of coefficients, or where ``dense`` the functions of all these sources, row by row of points.
    """
    count = last - first
    rows = min(max(_POINTS // max(count, 1), 1), max(sizes.samples, 1))
    size = rows * count
    per_t, last_interval = np.empty(size, t.dtype), np.empty(size, np.int32)
    row, scale = np.empty(size, np.int32), np.empty(size, t.dtype)
    for n in range(rows):
        for s in range(first, last):
            i = n * count + s - first
            per_t[i] = curves.per_t[s * sizes.pieces]
            last_interval[i] = curves.intervals[s] - 1
            row[i] = (i if dense else s) * sizes.basis
            scale[i] = curves.scale[s]
    place, values = np.empty(size, np.int32), np.empty(size * sizes.functions, t.dtype)
    return Workspace(
        rows, np.empty(size, t.dtype), np.empty(size, t.dtype), place, values, per_t, last_interval, row, scale
    )


@compiled
def _stencils(sizes, curves, work, t, begin, end, first, last):
    """Write, for points of these samples and sources, the row of the first function and the values of all."""
    count, k = last - first, U(0)
    if count == sizes.sources:
        k = U((end - begin) * count)
        for i in range(k):
            work.t[i] = t[U(begin * count) + i]
    else:
        for n in range(begin, end):
            at = U(n * sizes.sources + first)
            for s in range(U(count)):
                work.t[k + s] = t[at + s]
            k += U(count)
    if sizes.uniform and sizes.functions == _CUBIC:
        outside = _equal_cubics(curves.table, work, k)
    else:
        outside = _any_functions(sizes, curves, work, k, first, count)
    if outside and sizes.order != 1:
        _continue_lines(sizes, curves, work, k, first, count)


@compiled
def _weigh(sizes, work, weights, begin, end, first, last):
    """Multiply the values of points of these samples and sources by weights (sample, source), where there are any."""
    if weights.size:
        count, functions, k = U(last - first), U(sizes.functions), U(0)
        for n in range(begin, end):
            at = U(n * sizes.sources + first)
            for s in range(count):
                for r in range(functions):
                    work.values[(k + s) * functions + r] *= weights[at + s]
            k += count


@compiled
def _equal_cubics(c, work, size):
    """Write places and values for equally spaced knots and cubics; return whether any point lies outside."""
    t, place, values, number = work.t, work.place, work.values, work.values.dtype.type
    per_t, last_interval, row, scale = work.per_t, work.last_interval, work.row, work.scale
    a0, a1, a2, a3, b0, b1, b2, b3 = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
    c0, c1, c2, c3, d0, d1, d2, d3 = c[8], c[9], c[10], c[11], c[12], c[13], c[14], c[15]
    outside, one = False, number(1)
    for i in range(size):
        inside = -one if t[i] < -one else (one if t[i] > one else t[i])
        outside |= inside != t[i]
        position = _fma(inside, per_t[i], per_t[i])  # type: ignore[call-arg]
        whole = min(np.int32(position if position > 0 else 0.0), last_interval[i])  # NaN: the first
        place[i] = row[i] + whole
        # Rounded once: the place in the interval is as exact as the point, in float32 at grid 200 too.
        u, k = _fma(inside, per_t[i], per_t[i] - number(whole)), i * U(_CUBIC)
        values[k] = _fma(_fma(_fma(a3, u, a2), u, a1), u, a0) * scale[i]
        values[k + U(1)] = _fma(_fma(_fma(b3, u, b2), u, b1), u, b0) * scale[i]
        values[k + U(2)] = _fma(_fma(_fma(c3, u, c2), u, c1), u, c0) * scale[i]
        values[k + U(3)] = _fma(_fma(_fma(d3, u, d2), u, d1), u, d0) * scale[i]
    return outside


@compiled
def _any_functions(sizes, curves, work, size, first, count):
    """Write places and values for any knots and degree; return whether any point lies outside."""
    outside, functions = False, U(sizes.functions)
    for i in range(size):
        s, inside = first + np.int64(i) % count, _inside(work.t[i])
        interval, u = _located(sizes, curves, s, inside)
        outside |= inside != work.t[i]
        work.place[i] = work.row[i] + interval
        for r in range(functions):
            work.values[i * functions + r] = _polynomial(sizes, curves.table, s, r, interval, u) * work.scale[i]
    return outside


@compiled
def _continue_lines(sizes, curves, work, size, first, count):
    """Continue the values beyond the domain: linearly, and with no higher derivative."""
    functions = U(sizes.functions)
    for i in range(size):
        s, x = first + np.int64(i) % count, work.t[i]
        beyond = x - _inside(x)
        if beyond == 0:
            continue
        interval, u = _located(sizes, curves, s, _inside(x))
        for r in range(functions):
            if sizes.order == 0:
                slope = _polynomial(sizes, curves.slopes, s, r, interval, u) * curves.scale[sizes.sources + s]
                work.values[i * functions + r] += slope * beyond
            elif x == x:
                work.values[i * functions + r] = 0


@compiled
def _inside(x):
    x = np.float64(x)  # also of float32 data
    return -1.0 if x < -1 else (1.0 if x > 1 else x)


@compiled
def _located(sizes, curves, s, x):
    """Return the interval of a point inside the domain of a source, and the position in it."""
    last = curves.intervals[s] - 1
    if sizes.uniform:
        position = curves.per_t[s] + x * curves.per_t[s]
        interval = min(int(position if position > 0 else 0.0), last)
        return interval, position - interval
    interval = _last_knot_below(sizes, curves, s, x, last)
    knot = curves.knots[s * sizes.knots + sizes.functions - 1 + interval]
    return interval, (x - knot) * curves.per_t[s * sizes.pieces + interval]


@compiled
def _last_knot_below(sizes, curves, s, x, last):
    """Return the last interval that does not begin above x; NaN: the last of all, as searches have it."""
    if x != x:
        return last
    knots = s * sizes.knots + sizes.functions - 1
    bucket = s * (sizes.buckets + 1) + min(int((x + 1) * 0.5 * sizes.buckets), sizes.buckets - 1)
    low, high = int(curves.buckets[bucket]), min(int(curves.buckets[bucket + 1]), last)
    while low > 0 and curves.knots[knots + low] > x:  # the bucket's place is rounded
        low -= 1
    while low < high:
        middle = (low + high + 1) // 2
        if curves.knots[knots + middle] <= x:
            low = middle
        else:
            high = middle - 1
    while low < last and curves.knots[knots + low + 1] <= x:
        low += 1
    return low


@compiled
def _polynomial(sizes, table, s, r, interval, u):
    piece = np.int64(r) if sizes.uniform else (s * sizes.functions + np.int64(r)) * sizes.pieces + interval
    at = U(piece * sizes.powers)
    total = np.float64(table[at + U(sizes.powers - 1)])
    for power in range(sizes.powers - 2, -1, -1):
        total = total * u + table[at + U(power)]
    return total


# What follows makes these functions addresses that any thread can call: a row of integers in, nothing out. It stands in this
# file because numba looks at a file's date alone to see whether what it has compiled is still true.
#
# The row begins with a counter, of which every thread takes the next share of the work until all are taken, and the number
# of shares. Then follow `Sizes`, and address and length of each array.

_SIZES = 2
_ARRAYS = _SIZES + len(Sizes._fields)
PLACES = 2 * len(Arrays._fields)
PLACE_OF = {name: 2 * index for index, name in enumerate(Arrays._fields)}
LENGTH = _ARRAYS + 2 * len(Curves._fields) + PLACES


@cache
def address_of(name: str, single: bool) -> Callable[[int], None]:
    """Return the kernel of that name for float32 (or float64) arrays as an address that any thread can call.

    It is compiled at the first call, or read from a cache.
    """
    function = inspect.unwrap(globals()[f"_{name}_{32 if single else 64}"])
    signature = types.void(types.CPointer(types.int64))
    try:
        found = cfunc(signature, cache=True)(function)
    except RuntimeError:  # there is no folder to write a cache to
        found = cfunc(signature)(function)
    return Compiled(found.address)  # type: ignore[arg-type]


# One function each, and the functions as attributes of a module: numba keeps on disk only what is written out like this.
_this = sys.modules[__name__]


def _mapped_32(call):
    _work(call, _this.mapped, np.float32)


def _mapped_64(call):
    _work(call, _this.mapped, np.float64)


def _forward_32(call):
    _work(call, _this.forward, np.float32)


def _forward_64(call):
    _work(call, _this.forward, np.float64)


def _dot_32(call):
    _work(call, _this.dot, np.float32)


def _dot_64(call):
    _work(call, _this.dot, np.float64)


def _scatter_32(call):
    _work(call, _this.scatter, np.float32)


def _scatter_64(call):
    _work(call, _this.scatter, np.float64)


def _dense_forward_32(call):
    _work(call, _this.dense_forward, np.float32)


def _dense_forward_64(call):
    _work(call, _this.dense_forward, np.float64)


def _dense_dot_32(call):
    _work(call, _this.dense_dot, np.float32)


def _dense_dot_64(call):
    _work(call, _this.dense_dot, np.float64)


def _dense_scatter_32(call):
    _work(call, _this.dense_scatter, np.float32)


def _dense_scatter_64(call):
    _work(call, _this.dense_scatter, np.float64)


@partial(
    compiled, on_disk=False
)  # on disk go the functions above, which hold all of it: the type of a function does not
def _work(call, function, number):
    c = carray(call, (LENGTH,), np.int64)
    sizes = Sizes(c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10], c[11], c[12], c[13], c[14] != 0)
    curves = Curves(
        _array(c, 0, number),
        _array(c, 1, np.int64),
        _array(c, 2, np.float64),
        _array(c, 3, np.int64),
        _array(c, 4, number),
        _array(c, 5, number),
        _array(c, 6, np.float64),
    )
    arrays = Arrays(
        _array(c, 7, number),
        _array(c, 8, number),
        _array(c, 9, number),
        _array(c, 10, number),
        _array(c, 11, number),
        _array(c, 12, number),
        _array(c, 13, number),
        _array(c, 14, number),
        _array(c, 15, number),
        _array(c, 16, number),
    )
    before = 0 if sizes.threads == 0 else _set(sizes.threads, np.int32(1))  # type: ignore[call-arg]
    share = _next(call)  # type: ignore[call-arg]
    while share < c[1]:
        function(sizes, curves, arrays, share, c[1])
        share = _next(call)  # type: ignore[call-arg]
    if sizes.threads != 0:
        _set(sizes.threads, np.int32(before))  # type: ignore[call-arg]


@compiled
def _array(c, index, number):
    address, length = c[_ARRAYS + 2 * index], c[_ARRAYS + 2 * index + 1]
    return carray(_pointer(address, number), (length,), number)  # type: ignore[call-arg]


@intrinsic
def _pointer(typing, address, number):
    """Return an address as a pointer to numbers of a type."""
    pointer = types.CPointer(number.dtype)

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(pointer))

    return pointer(types.int64, number), generate


@intrinsic
def _set(typing, address, number):
    """Call a function at an address with a number, and return the number that it returns."""

    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.IntType(32), [ir.IntType(32)])
        return builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [arguments[1]])

    return types.int32(types.int64, types.int32), generate


@intrinsic
def _next(typing, counter):
    """Return the number that a pointer points to and count it up, in one step for all threads."""

    def generate(context, builder, signature, arguments):
        one = context.get_constant(types.int64, 1)
        return builder.atomic_rmw("add", arguments[0], one, "monotonic")

    return types.int64(types.CPointer(types.int64)), generate
