"""The kernels for large arrays, compiled by numba: one pass from points to results.

Samples go through in blocks, so that what stands in between never leaves the cache. The mathematics, at NaN and beyond
[-1, 1] too, is that of `Location`. Arrays are laid out ``(source, basis, sample)`` and contiguous. Functions carry no
annotations: numba reads the types off the arguments.
"""

import numpy as np

from kanscience._numba import compiled

_BLOCK = 512
_FEW = 32  # intervals, up to which counting the knots below a point is faster than bisection
_CUBIC = 4  # powers of a cubic, the usual case, evaluated without a loop


@compiled
def fill_features(t, knots, intervals, per_t, polynomials, uniform, order, features, start, stop):
    """Write the features (source, basis, sample) of the sources from ``start`` to ``stop``."""
    samples, functions = t.shape[1], polynomials.shape[2]
    interval, u, beyond, value = _scratch(t)
    for source in range(start, stop):
        table, slopes = _tables(polynomials, per_t, intervals, uniform, order, source)
        row = knots[source, functions - 1 : functions + intervals[source]]
        flat = features[source].reshape(-1)
        flat[:] = 0
        for begin in range(0, samples, _BLOCK):
            points = t[source, begin : begin + _BLOCK]
            outside = _locate(points, row, per_t[source], uniform, interval, u, beyond)
            for r in range(functions):
                _evaluate(table[r], slopes[r], order, outside, interval, u, beyond, value, len(points))
                places = flat[r * samples + begin :]
                for n in range(len(points)):
                    places[_place(interval[n], samples, n)] = value[n]


@compiled
def sum_weights(t, knots, intervals, per_t, polynomials, uniform, order, weights, sums, start, stop):
    """Write the sums (source, sample) of weights (source, basis, sample), of the sources from ``start`` to ``stop``."""
    samples, functions = t.shape[1], polynomials.shape[2]
    interval, u, beyond, value = _scratch(t)
    for source in range(start, stop):
        table, slopes = _tables(polynomials, per_t, intervals, uniform, order, source)
        row = knots[source, functions - 1 : functions + intervals[source]]
        flat = weights[source].reshape(-1)
        for begin in range(0, samples, _BLOCK):
            points, total = t[source, begin : begin + _BLOCK], sums[source, begin : begin + _BLOCK]
            outside = _locate(points, row, per_t[source], uniform, interval, u, beyond)
            total[:] = 0
            for r in range(functions):
                _evaluate(table[r], slopes[r], order, outside, interval, u, beyond, value, len(points))
                places = flat[r * samples + begin :]
                for n in range(len(points)):
                    total[n] += places[_place(interval[n], samples, n)] * value[n]


@compiled
def _scratch(t):
    return np.empty(_BLOCK, np.int32), np.empty(_BLOCK, t.dtype), np.empty(_BLOCK, t.dtype), np.empty(_BLOCK, t.dtype)


@compiled
def _place(interval, samples, n):
    return np.uint64(interval) * np.uint64(samples) + np.uint64(n)  # unsigned: no question of counting from the end


@compiled
def _tables(polynomials, per_t, intervals, uniform, order, source):
    """Return the polynomials (function, interval or 1, power) of one source, differentiated, and those of the slope."""
    row, count = (0, 1) if uniform else (source, intervals[source])
    table = _differentiated(polynomials[:, row], per_t[source], count, order)
    return table, _differentiated(polynomials[:, row], per_t[source], count, 1) if order == 0 else table


@compiled
def _differentiated(polynomials, per_t, intervals, order):
    powers, functions, _ = polynomials.shape
    width = max(powers - order, 1)
    width = _CUBIC if 1 < width < _CUBIC else width  # zeros in front cost nothing there
    table = np.zeros((functions, intervals, width), polynomials.dtype)
    for power in range(order, powers):
        for m in range(intervals):
            factor = per_t[m] ** order
            for k in range(order):
                factor *= power - k
            for r in range(functions):
                table[r, m, power - order] = factor * polynomials[power, r, m]
    return table


@compiled
def _locate(t, knots, per_t, uniform, interval, u, beyond):
    """Write interval, position in it and distance from the domain of each point; return whether any lies outside."""
    outside = False
    for n in range(len(t)):
        beyond[n] = t[n] - _inside(t[n])
        outside |= beyond[n] != 0
    last = np.int32(len(knots) - 2)
    if uniform:
        for n in range(len(t)):
            position = per_t[0] + _inside(t[n]) * per_t[0]
            whole = np.floor(position) if position > 0 else 0.0  # NaN: the first interval
            interval[n] = min(np.int32(whole), last)
            u[n] = position - whole
    else:
        _search(t, knots[: last + 1], interval)
        for n in range(len(t)):
            u[n] = (_inside(t[n]) - knots[interval[n]]) * per_t[interval[n]]
    return outside


@compiled
def _inside(x):
    x = np.float64(x)  # also of float32 data
    return -1.0 if x < -1 else (1.0 if x > 1 else x)


@compiled
def _search(t, knots, interval):
    """Write the index of the last knot that is not above each point; NaN: the last of all."""
    interval[: len(t)] = 0
    if len(knots) <= _FEW:
        for knot in knots[1:]:
            for n in range(len(t)):
                interval[n] += not t[n] < knot
        return
    candidates = len(knots)
    while candidates > 1:
        half = candidates // 2
        for n in range(len(t)):
            interval[n] += 0 if t[n] < knots[interval[n] + half] else half
        candidates -= half


@compiled
def _evaluate(table, slopes, order, outside, interval, u, beyond, value, size):
    """Write the derivative of some order of one function, whose polynomials are (interval or 1, power)."""
    _horner(table, interval, u, value, size)
    if outside and order == 0:
        slope = np.empty_like(value)
        _horner(slopes, interval, u, slope, size)
        for n in range(size):
            value[n] += slope[n] * beyond[n]
    if outside and order > 1:
        for n in range(size):
            value[n] *= beyond[n] == 0


@compiled
def _horner(table, interval, u, value, size):
    (intervals, powers), c = table.shape, table.reshape(-1)
    if powers == _CUBIC and intervals == 1:
        c0, c1, c2, c3 = c[0], c[1], c[2], c[3]
        for n in range(size):
            value[n] = ((c3 * u[n] + c2) * u[n] + c1) * u[n] + c0
    elif powers == _CUBIC:
        for n in range(size):
            i = _place(interval[n], _CUBIC, 0)
            total = c[i + np.uint64(3)] * u[n] + c[i + np.uint64(2)]
            value[n] = (total * u[n] + c[i + np.uint64(1)]) * u[n] + c[i]
    else:
        for n in range(size):
            polynomial = table[interval[n] if intervals > 1 else 0]
            total = polynomial[powers - 1]
            for power in range(powers - 2, -1, -1):
                total = total * u[n] + polynomial[power]
            value[n] = total
