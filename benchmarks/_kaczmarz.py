"""Newton-Kaczmarz training, row by row, re-derived from its published formula; for measuring only.

For one row with residual r and gradient J of the output to all numbers theta: ``theta -= mu * r * J / |J|**2``, the
projection onto the plane where that row is met, taken by a share mu.

Source: Poluektov and Polar, arXiv 2305.08194; Machine Learning 114 (2025) 185.
"""

from __future__ import annotations

import numpy as np
import torch
from numba import njit

import kanscience as ks


class Kaczmarz:
    """A network of sums alone, uniform cubic splines and the SiLU base, with one output, trained row by row.

    The numbers of a layer stand in one array (source, basis + 1, target), the base weights last.
    """

    def __init__(self, network: ks.MultKAN) -> None:
        self.network = network
        edges = [layer.splines for layer in network.layers]
        self.weights = [
            torch.cat([e.coefficients, e.base_weights[:, None]], dim=1).detach().double().numpy().copy() for e in edges
        ]
        self.ranges = [np.stack([e.low.double().numpy(), e.high.double().numpy()]) for e in edges]

    def epoch(self, x: np.ndarray, y: np.ndarray, order: np.ndarray, rate: float, unit: float) -> None:
        """Go once through the rows, in this order. The last layer is stepped in this unit."""
        self.weights[-1] /= unit
        _epoch(x, y / unit, order, rate, *self.weights, *self.ranges)
        self.weights[-1] *= unit

    @torch.no_grad()
    def write_(self) -> None:
        """Set the network's numbers."""
        for layer, weights in zip(self.network.layers, self.weights, strict=True):
            layer.splines.trained_coefficients.copy_(torch.from_numpy(weights[:, :-1]))
            layer.splines.trained_base_weights.copy_(torch.from_numpy(weights[:, -1]))


@njit(fastmath=True, error_model="numpy")
def _epoch(x, y, order, rate, w0, w1, w2, r0, r1, r2):
    f0, f1, f2 = _features_for(w0), _features_for(w1), _features_for(w2)
    a1, a2, a3 = np.empty(w0.shape[2]), np.empty(w1.shape[2]), np.empty(1)
    d1, d2, d3 = np.empty_like(a1), np.empty_like(a2), np.ones(1)
    for row in order:
        norm = _forward(x[row], w0, r0, f0, a1)
        norm1, norm2 = _forward(a1, w1, r1, f1, a2), _forward(a2, w2, r2, f2, a3)
        _backward(w2, f2, d3, d2)
        _backward(w1, f1, d2, d1)
        size = norm * (d1**2).sum() + norm1 * (d2**2).sum() + norm2
        step = rate * (y[row] - a3[0]) / size
        _add(w0, f0, d1, step)
        _add(w1, f1, d2, step)
        _add(w2, f2, d3, step)


@njit
def _features_for(w):
    # Of each source: the first of its four functions, their values and the base's, and the slopes of all.
    return np.empty(w.shape[0], np.int64), np.empty((w.shape[0], 5)), np.empty((w.shape[0], 5))


@njit(fastmath=True, error_model="numpy")
def _forward(x, w, bounds, features, sums):
    """Write features and sums of one row; return the sum of the squared features."""
    first, value, slope = features
    sums[:] = 0.0
    norm, grid, base = 0.0, w.shape[1] - 4, w.shape[1] - 1
    for s in range(len(x)):
        half = (bounds[1, s] - bounds[0, s]) / 2
        z = (x[s] - bounds[0, s]) / half - 1
        inside = min(max(z, -1.0), 1.0)
        first[s] = min(int((inside + 1) * grid / 2), grid - 1)
        u, beyond, per = (inside + 1) * grid / 2 - first[s], z - inside, grid / 2
        v = 1 - u
        value[s, 0], slope[s, 0] = v * v * v / 6, -v * v / 2 * per
        value[s, 1], slope[s, 1] = (3 * u * u * u - 6 * u * u + 4) / 6, (3 * u * u - 4 * u) / 2 * per
        value[s, 2], slope[s, 2] = (3 * v * v * v - 6 * v * v + 4) / 6, -(3 * v * v - 4 * v) / 2 * per
        value[s, 3], slope[s, 3] = u * u * u / 6, u * u / 2 * per
        sigmoid = 1 / (1 + np.exp(-inside))
        value[s, 4], slope[s, 4] = inside * sigmoid, sigmoid * (1 + inside * (1 - sigmoid))
        for i in range(5):
            value[s, i] += beyond * slope[s, i]
            norm += value[s, i] ** 2
            slope[s, i] /= half
        i, v0, v1, v2, v3, v4 = first[s], value[s, 0], value[s, 1], value[s, 2], value[s, 3], value[s, 4]
        w0, w1, w2, w3, w4 = w[s, i], w[s, i + 1], w[s, i + 2], w[s, i + 3], w[s, base]
        for t in range(len(sums)):
            sums[t] += v0 * w0[t] + v1 * w1[t] + v2 * w2[t] + v3 * w3[t] + v4 * w4[t]
    return norm


@njit(fastmath=True)
def _backward(w, features, to_sums, to_x):
    first, _, slope = features
    for s in range(w.shape[0]):
        i, k0, k1, k2, k3, k4 = first[s], slope[s, 0], slope[s, 1], slope[s, 2], slope[s, 3], slope[s, 4]
        w0, w1, w2, w3, w4 = w[s, i], w[s, i + 1], w[s, i + 2], w[s, i + 3], w[s, w.shape[1] - 1]
        total = 0.0
        for t in range(len(to_sums)):
            total += to_sums[t] * (k0 * w0[t] + k1 * w1[t] + k2 * w2[t] + k3 * w3[t] + k4 * w4[t])
        to_x[s] = total


@njit(fastmath=True)
def _add(w, features, to_sums, step):
    first, value, _ = features
    for s in range(w.shape[0]):
        for i in range(5):
            row, factor = w[s, first[s] + i if i < 4 else w.shape[1] - 1], step * value[s, i]
            for t in range(len(to_sums)):
                row[t] += factor * to_sums[t]
