"""One-dimensional curves: knots, basis functions and coefficients, as pure functions of tensors."""

from kanscience.splines._axes import Axes
from kanscience.splines._basis import bspline_basis, interval_polynomials, polynomial_values
from kanscience.splines._coefficients import dense_points, fit_coefficients
from kanscience.splines._gram import curvature_matrix
from kanscience.splines._kernels import dense_features, local_basis, local_sums, spline_sums
from kanscience.splines._knots import (
    DistinctValues,
    KnotRule,
    Quantiles,
    Uniform,
    contains,
    distinct_value_knots,
    extended,
    quantile_knots,
    uniform_knots,
)
from kanscience.splines._location import all_inside
from kanscience.splines._row_points import RowPoints, row_kernels, row_points
from kanscience.splines._trilinear import row_dot, row_forward, row_scatter

__all__ = [
    "Axes",
    "DistinctValues",
    "KnotRule",
    "RowPoints",
    "Quantiles",
    "Uniform",
    "all_inside",
    "bspline_basis",
    "contains",
    "dense_points",
    "fit_coefficients",
    "curvature_matrix",
    "dense_features",
    "distinct_value_knots",
    "extended",
    "interval_polynomials",
    "local_basis",
    "local_sums",
    "polynomial_values",
    "quantile_knots",
    "row_dot",
    "row_forward",
    "row_kernels",
    "row_points",
    "row_scatter",
    "spline_sums",
    "uniform_knots",
]
