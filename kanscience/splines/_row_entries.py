"""The functions of ``_rows.py`` as addresses that any thread can call: numbers and addresses in, nothing out.

A call is a row of integers: first a counter, of which every thread takes the next share of the work until all are taken; then
how many there are; then `Sizes`; then the addresses of the arrays of `Curves`, and of the arrays that the function names.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numba import carray, cfunc, types
from numba.extending import intrinsic

from kanscience.splines import _rows
from kanscience.splines._rows import Curves, Sizes, _compiled
from kanscience.splines._team import Compiled

SHARES = 1  # where the number of shares stands
SIZES = 2  # where the sizes begin
CURVES = SIZES + len(Sizes._fields)
ARRAYS = CURVES + len(Curves._fields)
LENGTH = ARRAYS + 4


@intrinsic
def _pointer(typing, address, number):
    """Return an address as a pointer to numbers of a type."""
    pointer = types.CPointer(number.dtype)

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(pointer))

    return pointer(types.int64, number), generate


@intrinsic
def _next(typing, counter):
    """Return the number that a pointer points to and count it up, in one step for all threads."""

    def generate(context, builder, signature, arguments):
        one = context.get_constant(types.int64, 1)
        return builder.atomic_rmw("add", arguments[0], one, "monotonic")

    return types.int64(types.CPointer(types.int64)), generate


@_compiled
def _array(address, size, number):
    return carray(_pointer(address, number), (size,), number)


@_compiled
def _sizes(c):
    return Sizes(c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10], c[11], c[12] != 0, c[13] != 0)


@_compiled
def _curves(c, sizes, number):
    rows = 1 if sizes.uniform else sizes.sources
    table = rows * sizes.functions * sizes.pieces * sizes.powers
    return Curves(
        _array(c[14], sizes.sources * sizes.knots, number),
        _array(c[15], sizes.sources, np.int64),
        _array(c[16], sizes.sources * sizes.pieces, np.float64),
        _array(c[17], sizes.sources * (sizes.buckets + 1), np.int64),
        _array(c[18], table, number),
        _array(c[19], table, number),
        _array(c[20], 2 * sizes.sources, np.float64),
    )


@_compiled
def _points(sizes):
    return sizes.samples * sizes.sources


@_compiled
def _results(sizes):
    return sizes.samples * sizes.targets


@_compiled
def _numbers(sizes):
    return sizes.sources * sizes.basis * sizes.targets


@_compiled
def _features(sizes):
    return sizes.samples * sizes.sources * sizes.basis


@_compiled
def _forward(call, number):
    c = carray(call, (LENGTH,), np.int64)
    sizes = _sizes(c)
    curves = _curves(c, sizes, number)
    t = _array(c[21], _points(sizes), number)
    weights = _array(c[22], _points(sizes), number)
    coefficients = _array(c[23], _numbers(sizes), number)
    y = _array(c[24], _results(sizes), number)
    share = _next(call)
    while share < c[1]:
        _rows.forward(sizes, curves, t, weights, coefficients, y, share, c[1])
        share = _next(call)
