"""Finer grids, and knots elsewhere: the same curves on other knots."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanscience._checks import check_choice, shown
from kanscience._errors import OptionError
from kanscience.network._multkan import check_network
from kanscience.network._places import check_trace_of
from kanscience.splines import DistinctValues, KnotRule, Uniform, contains

if TYPE_CHECKING:
    from kanscience.network._layer import Layer
    from kanscience.network._multkan import MultKAN
    from kanscience.network._trace import Trace

Knots = int | str | KnotRule
Grid = Knots | Sequence[Knots]
_RULES = {"values": DistinctValues()}


def refine(network: MultKAN, grid: Grid, *, trace: Trace | None = None) -> MultKAN:
    """Return a network with the same curves on other knots.

    Exact where the new knots contain the old ones (5, 10, 20, 40, ...); else least squares on a dense grid
    and, where a trace is passed, its samples.

    Args:
        network: left as it is.
        grid: one entry, or one for each layer: a number of equally spaced intervals; ``"values"``, a knot on every
            value of each column that repeats its values (integers, settings of a dial), the other columns left as they
            are; or a rule such as `kanscience.splines.Quantiles`. The last two need a trace.
        trace: of samples that the curves should keep their values at.

    Raises:
        OptionError: no such rule, or one that needs samples and has none.

    Example:
        >>> import kanscience as ks, torch
        >>> network = ks.MultKAN([2, 3, 1], grid=5, seed=0)
        >>> finer = ks.refine(network, 10)
        >>> x = torch.rand(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        >>> bool(torch.allclose(finer(x), network(x), atol=1e-12))
        True
    """
    check_network(network)
    if trace is not None:
        check_trace_of(network, trace)
    finer = copy.deepcopy(network)
    refine_(finer, grid, None if trace is None else trace.nodes[0][:, : network.n_inputs])
    return finer


@torch.no_grad()
def refine_(network: MultKAN, grid: Grid, x: Tensor | None = None) -> None:
    """Give every source the knots of its layer's rule, where they are other than it has.

    Args:
        network: changed in place.
        grid: as `refine` takes it.
        x: (N, inputs) samples, for rules that need them and for fits that are not exact.
    """
    rules = rules_of_layers(grid, len(network.layers))
    nodes = None if x is None else network.sources(x)
    for layer, rule in zip(network.layers, rules, strict=True):
        after = None if nodes is None else layer(nodes)
        if layer.has_splines:
            _move_knots_(layer, rule, nodes)
        nodes = after


def _move_knots_(layer: Layer, rule: KnotRule, x: Tensor | None) -> None:
    if x is None and rule.needs_samples:
        raise OptionError(f"{rule!r} places knots by samples: pass a trace of them, `trace=ks.trace(network, X)`.")
    splines = layer.splines
    present = [splines.axes.row(source) for source in range(len(splines.intervals))]
    columns = [None] * len(present) if x is None else splines.mapped(x)
    rows = [rule.row(row, t, splines.degree) for row, t in zip(present, columns, strict=True)]
    if not all(map(torch.equal, rows, present)):
        nested = all(contains(new, old, splines.degree) for new, old in zip(rows, present, strict=True))
        splines.move_(rows, splines.low, splines.high, None if nested else x)


def rules_of_layers(grid: Grid, layers: int, name: str = "`grid`") -> list[KnotRule]:
    """Return one knot rule a layer; messages call the grid ``name``."""
    each = list(grid) if isinstance(grid, Iterable) and not isinstance(grid, str) else [grid] * layers
    if len(each) != layers:
        raise OptionError(f"{name} is one entry, or one for each of the {layers} layers; not {shown(grid)}.")
    return [_rule(entry) for entry in each]


def _rule(entry: Knots) -> KnotRule:
    if isinstance(entry, str):
        return _RULES[check_choice("grid", entry, _RULES)]
    return entry if isinstance(entry, KnotRule) else Uniform(entry)
