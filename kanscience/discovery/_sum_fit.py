"""Least squares for a sum of terms: its factors are solved for, so that only numbers inside the terms are searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kanscience._typing import Matrix, Vector
from kanscience.discovery._formula import Numbers
from kanscience.discovery._terms import Inputs, Term

_INDEPENDENT = 1e-2  # part of a term that those before it do not explain: below, digits would cancel between them


class SumOfTerms:
    """Least squares for a constant and factors of terms, as a function of the numbers inside the terms.

    Factors and constant are solved for exactly (variable projection); derivatives are Kaufman's.
    """

    def __init__(self, terms: Sequence[Term], inputs: Inputs, y: Vector, root: Vector) -> None:
        self.terms, self.inputs, self.y, self.root = tuple(terms), inputs, y, root
        ends = np.cumsum([0, *(term.count for term in terms)])
        self.places = [slice(int(start), int(stop)) for start, stop in zip(ends, ends[1:], strict=False)]
        self.kinds = [place for place in self.places if place.stop > place.start]
        self.aim = root * y

    def loss(self, theta: Numbers) -> float:
        """Return the weighted sum of squared residuals, inf where terms are not defined or hardly differ."""
        solved = self.solved(theta)
        return np.inf if solved is None else float(solved.residuals @ solved.residuals)

    def normal_equations(self, theta: Numbers) -> tuple[float, Matrix, Numbers]:
        """Return the loss, and matrix and vector of the numbers inside the terms."""
        solved = self.solved(theta)
        if solved is None:
            return np.inf, np.zeros((len(theta), len(theta))), np.zeros(len(theta))
        rows = self.directions(theta, solved)
        return float(solved.residuals @ solved.residuals), rows.T @ rows, -rows.T @ solved.residuals

    def quadratic(self, theta: Numbers) -> None:
        """No penalty."""
        return

    def tangent(self, theta: Numbers, solved: Solved) -> Matrix:
        """Return an orthonormal basis of all that small changes of the sum can reach."""
        rows = self.directions(theta, solved)
        size = np.linalg.norm(rows, axis=0)
        directions, lengths, _ = np.linalg.svd(rows / np.where(size > 0, size, 1.0), full_matrices=False)
        kept = directions[:, lengths > _INDEPENDENT * lengths.max(initial=0.0)]
        return np.concatenate([solved.basis, kept], axis=1)

    def directions(self, theta: Numbers, solved: Solved) -> Matrix:
        """Return what each number inside a term changes in the weighted sum, factors refitted."""
        parts = [
            factor * term.slopes(theta[place], self.inputs)
            for term, place, factor in zip(self.terms, self.places, solved.factors[1:], strict=True)
        ]
        rows = np.concatenate([np.empty((len(self.y), 0)), *parts], axis=1) * self.root[:, None]
        return rows - solved.basis @ (solved.basis.T @ rows)

    def solved(self, theta: Numbers) -> Solved | None:
        """Return constant and factors; None where the sum is not defined."""
        with np.errstate(all="ignore"):
            parts = [
                term.values(theta[place], self.inputs) for term, place in zip(self.terms, self.places, strict=True)
            ]
            columns = np.stack([np.ones(len(self.y)), *parts], axis=1) * self.root[:, None]
            size = np.linalg.norm(columns, axis=0)
        if not np.isfinite(size).all() or not (size > 0).all():
            return None
        basis, triangle = np.linalg.qr(columns / size)
        if not (np.abs(np.diag(triangle)) > _INDEPENDENT).all():
            return None
        shares = basis.T @ self.aim
        return Solved(basis, np.linalg.solve(triangle, shares) / size, self.aim - basis @ shares)


class Solved(NamedTuple):
    """The factors that fit best for given numbers inside the terms."""

    basis: Matrix  # orthonormal, of constant and terms
    factors: Numbers
    residuals: Vector  # weighted
