"""Products of sparse Jacobians, compiled by numba: four numbers at a time.

Functions carry no annotations: numba reads the types off the arguments.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np import arrayobj

from kanscience._numba import compiled


@intrinsic
def _add_four(_context, matrix, at, values, k, factor):
    """``matrix[at:at+4] += factor * values[k:k+4]`` as one vector instruction, which numba's loops do not become."""

    def lowered(context, builder, signature, arguments):
        four = ir.VectorType(ir.DoubleType(), 4)
        nothing = ir.Constant(four, ir.Undefined)

        def pointer(array, kind, index):
            data = arrayobj.make_array(kind)(context, builder, array).data
            return builder.bitcast(builder.gep(data, [index]), four.as_pointer())

        to = pointer(arguments[0], signature.args[0], arguments[1])
        of = pointer(arguments[2], signature.args[2], arguments[3])
        first = builder.insert_element(nothing, arguments[4], ir.Constant(ir.IntType(32), 0))
        factors = builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(ir.IntType(32), 4), [0] * 4))
        product = builder.fmul(builder.load(of, align=8), factors, flags=("contract",))
        builder.store(builder.fadd(product, builder.load(to, align=8), flags=("contract",)), to, align=8)
        return context.get_dummy_value()

    return types.void(matrix, at, values, k, factor), lowered


@compiled
def add_products(left, right, interval, lefts, rights, axis, base, stride, residuals, matrix, gradient):
    """Add ``J @ J.T``, below the diagonal and on it, to a matrix, and ``J @ residuals`` to a vector.

    The derivatives of row n that may differ from 0 are ``left[lefts, n] * right[rights, n]``, in runs of four, of which run
    q stands at ``base[q] + stride[q] * interval[axis[q], n]``. Runs are in ascending order, whatever the intervals.
    """
    runs, width, cells = len(base), np.uint64(matrix.shape[1]), matrix.reshape(-1)
    value, at, one, two, three = np.empty(4 * runs), np.empty(runs, np.uint64), np.uint64(1), np.uint64(2), np.uint64(3)
    for n in range(left.shape[1]):
        for q in range(runs):
            at[q] = np.uint64(base[q] + stride[q] * interval[axis[q], n])
        for k in range(4 * runs):
            value[k] = left[lefts[k], n] * right[rights[k], n]
        r = residuals[n]
        for a in range(runs):
            k, row = np.uint64(4 * a), at[a]
            x0, x1, x2, x3 = value[k], value[k + one], value[k + two], value[k + three]
            gradient[row] += x0 * r
            gradient[row + one] += x1 * r
            gradient[row + two] += x2 * r
            gradient[row + three] += x3 * r
            row0 = row * width
            row1, row2, row3 = row0 + width, row0 + two * width, row0 + three * width
            for b in range(a + 1):
                column, k = at[b], np.uint64(4 * b)
                _add_four(cells, row0 + column, value, k, x0)  # pyright: ignore[reportCallIssue]
                _add_four(cells, row1 + column, value, k, x1)
                _add_four(cells, row2 + column, value, k, x2)
                _add_four(cells, row3 + column, value, k, x3)


@compiled
def mirror(matrix, size, mirrored):
    """Write the symmetric matrix (size, size) that a lower triangle is half of."""
    tile = 32  # so that what is read down stays in the cache
    for i0 in range(0, size, tile):
        for j0 in range(0, i0 + 1, tile):
            for i in range(i0, min(i0 + tile, size)):
                for j in range(j0, min(j0 + tile, i + 1)):
                    mirrored[i, j] = matrix[i, j]
                    mirrored[j, i] = matrix[i, j]
