"""The picture of a structure tree: variables below, f above, a box for how each block joins its parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from kanscience.structure import ADDITIVE, CLEAR, GENERALIZED, MULTIPLICATIVE, PRIME, Block, StructureTree
from kanscience.viz._labels import Label, name_label
from kanscience.viz._style import BLUE, GREY, INK, MIXED, NAME_SIZE, SYMBOLIC, canvas, style

_SIGNS = {
    ADDITIVE: Label("$+$", True, 13),
    MULTIPLICATIVE: Label(r"$\times$", True, 13),
    GENERALIZED: Label("$f(+)$", True, 11),
    PRIME: Label("$f$", True, 12),
}
_COLOURS = {ADDITIVE: BLUE, MULTIPLICATIVE: SYMBOLIC, GENERALIZED: MIXED, PRIME: INK}
_WORDS = 7.0  # points, of the kinds
_LINE = 0.13  # inches from one line in a box to the next
_ROW = 0.4  # between a box and what is below
_AIR = 0.22  # between neighbours
_MARGIN = 0.12


def draw_trees(trees: Sequence[StructureTree]) -> Figure:
    """Draw trees side by side.

    Every block of two variables or more is a box with its kind: a plus for a sum, a cross for a product, f(+) for a
    function of a sum, f for any other function. The box is dashed where the confidence is low.
    """
    with style():
        places = [_Places(tree) for tree in trees]
        width = sum(place.width for place in places) + 2 * _MARGIN
        height = max(place.height for place in places) + 2 * _MARGIN
        figure, axes = canvas(width, height)
        left = _MARGIN
        for place in places:
            _draw(axes, place, left)
            left += place.width
    return figure


class _Places:
    """Where everything stands, in inches, from the left end of the tree and from the lower end of the picture."""

    def __init__(self, tree: StructureTree) -> None:
        self.tree = tree
        self.names = {k: name_label(name) for k, name in enumerate(tree.names)}
        self.words = {block: _words(tree, block) for block in tree.blocks}
        self.at: dict[Block, tuple[float, float]] = {}  # middle, and lower end
        self.note = _idle(tree)
        ground = 0.35 if self.note.text else 0.1
        wide, high = self._place(tree.root, _AIR / 2, ground) if tree.root else (1.0, ground)
        self.width, self.height = max(wide, self.note.size[0] + _MARGIN), high + 0.5

    def _place(self, block: Block, left: float, ground: float) -> tuple[float, float]:
        """Give a block and all below their places, and return its strip's width and its own upper end."""
        wide, high = self.size(block)
        strip, low = 0.0, ground
        for part in self.tree.parts.get(block, ()):
            part_width, part_top = self._place(part, left + strip, ground)
            strip, low = strip + part_width, max(low, part_top + _ROW)
        missing = max(0.0, wide + _AIR - strip)
        for below in self.at:
            if below < block:
                x, y = self.at[below]
                self.at[below] = x + missing / 2, y
        strip += missing
        self.at[block] = left + strip / 2, low
        return strip, low + high

    def size(self, block: Block) -> tuple[float, float]:
        """Return width and height of a box or a name."""
        if block not in self.words:
            return self.names[next(iter(block))].size[0], 0.2
        lines = self.words[block]
        return max(line.size[0] for line in lines) + 0.16, _LINE * len(lines) + 0.27


def _draw(axes: Axes, places: _Places, left: float) -> None:
    tree = places.tree
    at = {block: np.array([left + x, y]) for block, (x, y) in places.at.items()}
    lines = [_line(places, at, part, block) for block in tree.blocks for part in tree.parts[block]]
    if tree.root:
        top = at[tree.root] + [0, places.size(tree.root)[1]]
        lines.append(np.array([top, top + [0, 0.2]]))
        name_label(tree.name).draw(axes, top[0], top[1] + 0.32)
    else:
        Label(f"{tree.name}: constant", False, NAME_SIZE).draw(axes, left + _MARGIN, places.height - 0.2, ha="left")
    axes.add_collection(LineCollection(lines, colors=GREY, linewidths=0.9, zorder=1))
    for block in at:
        if block in tree.parts:
            _draw_box(axes, places, block, at[block])
        else:
            places.names[next(iter(block))].draw(axes, at[block][0], at[block][1] + 0.1)
    if places.note.text:
        places.note.draw(axes, left + _MARGIN, 0.15, ha="left", color=GREY)


def _draw_box(axes: Axes, places: _Places, block: Block, at: np.ndarray) -> None:
    kind = places.tree.kinds[block]
    colour = _COLOURS[kind.name]
    width, height = places.size(block)
    axes.add_patch(
        FancyBboxPatch(
            (at[0] - width / 2, at[1]),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor="white",
            edgecolor=colour,
            linestyle="-" if kind.confidence > CLEAR else "--",
            linewidth=1.0,
            zorder=2,
        )
    )
    _SIGNS[kind.name].draw(axes, at[0], at[1] + height - 0.15, color=colour, zorder=3)
    for row, line in enumerate(reversed(places.words[block])):
        line.draw(axes, at[0], at[1] + 0.09 + _LINE * row, color=GREY, zorder=3)


def _line(places: _Places, at: dict[Block, np.ndarray], part: Block, block: Block) -> np.ndarray:
    """Return a line from a part up, along to the middle of its block, and into it."""
    start = at[part] + [0, places.size(part)[1]]
    turn = at[block][1] - 0.13
    return np.array([start, [start[0], turn], [at[block][0], turn], at[block]])


def _words(tree: StructureTree, block: Block) -> list[Label]:
    """Return the kind of a block, and what else is known of it, line by line."""
    kind = tree.kinds[block]
    lines = [kind.name]
    if kind.constant:
        lines.append(f"around {kind.constant:.4g}")
    if kind.terms:
        lines.append(" + ".join(tree.written(term) for term in kind.terms))
    if kind.confidence <= CLEAR:
        lines.append(f"confidence {kind.confidence:.2f}")
    return [Label(line, False, _WORDS) for line in lines]


def _idle(tree: StructureTree) -> Label:
    names = ", ".join(tree.names[k] for k in sorted(tree.inactive))
    return Label(f"no influence: {names}" if names else "", False)
