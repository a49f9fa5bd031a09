"""A tree in words: an indented outline, and one formula."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, count
from typing import TYPE_CHECKING

from kanscience.structure import _kinds
from kanscience.structure._kinds import ADDITIVE, CLEAR, GENERALIZED, MULTIPLICATIVE

if TYPE_CHECKING:
    from kanscience.structure._blocks import Block
    from kanscience.structure._tree import StructureTree

_LETTERS = "ghkpqrsuvw"
_ESCAPED = str.maketrans(
    {sign: f"\\{sign}" for sign in " _%&#${}"} | {"\\": r"{\backslash}", "^": r"{\wedge}", "~": r"{\sim}"}
)


def outline(tree: StructureTree) -> str:
    """Return one line for each block and variable, indented by depth.

    Confidences that are not near 1 are written; variables without influence stand below.
    """
    lines = ["  " * depth + _line(tree, block) for block, depth in tree.walk()]
    if not tree.root:
        lines = [f"{tree.name}: constant"]
    elif len(tree.root) == 1:
        lines[0] = f"{tree.name}({lines[0]}): a function of one variable"
    else:
        lines[0] = tree.name + lines[0].replace("{", "(", 1).replace("}", ")", 1)
    if tree.inactive:
        lines.append("no influence: " + ", ".join(tree.names[k] for k in sorted(tree.inactive)))
    return "\n".join([*lines, *tree.notes])


def _line(tree: StructureTree, block: Block) -> str:
    text = tree.written(block)
    if block not in tree.kinds:
        return text
    kind = tree.kinds[block]
    text = f"{text}: {kind.name}"
    if kind.constant:
        text += f" around {kind.constant:.6g}"
    if kind.terms:
        text += ", a sum over " + " + ".join(tree.written(term) for term in kind.terms)
    return text if kind.confidence > CLEAR else f"{text} (confidence {kind.confidence:.2f})"


def latex(tree: StructureTree) -> str:
    """Return the structure as a formula such as ``f = g(h(a, b) + k(c), d)``, every letter an unknown function."""
    taken = set(tree.names) | {tree.name}
    free = (letter for letter in chain(_LETTERS, (f"g_{{{k}}}" for k in count(1))) if letter not in taken)
    if not tree.root:
        return f"{latex_name(tree.name)} = {next(free)}"
    return f"{latex_name(tree.name)} = {_Formula(tree, free).value(tree.root)}"


class _Formula:
    """Writes blocks outside in, a new letter for every function."""

    def __init__(self, tree: StructureTree, letters: Iterator[str]) -> None:
        self.tree, self.letters = tree, letters

    def value(self, block: Block) -> str:
        """Return the text of a block's value."""
        if block not in self.tree.kinds:
            return f"{next(self.letters)}({self._name(block)})"
        kind = self.tree.kinds[block]
        match kind.name:
            case _kinds.ADDITIVE:
                return self._sum(block)
            case _kinds.MULTIPLICATIVE:
                return self._product(block)
            case _kinds.GENERALIZED:
                return f"{next(self.letters)}({self._sum(block)})"
        if kind.terms:
            return " + ".join(
                self._applied([part for part in self.tree.parts[block] if part <= term]) for term in kind.terms
            )
        return self._applied(self.tree.parts[block])

    def _applied(self, parts: Sequence[Block]) -> str:
        letter = next(self.letters)
        return f"{letter}({', '.join(self._argument(part) for part in parts)})"

    def _argument(self, block: Block) -> str:
        """Return the text of a part of a prime block, whose function swallows the part's outer one."""
        if block not in self.tree.kinds:
            return self._name(block)
        return self._sum(block) if self.tree.kinds[block].name == GENERALIZED else self.value(block)

    def _sum(self, block: Block) -> str:
        return " + ".join(self.value(part) for part in self.tree.parts[block])

    def _product(self, block: Block) -> str:
        offset, parts = self._offset(block), self.tree.parts[block]
        factors = [f"({self.value(part)})" if self._is_sum(part) else self.value(part) for part in parts]
        return offset + r" \, ".join(factors)

    def _offset(self, block: Block) -> str:
        """Return the constant that a product is added to, with its sign; nothing where it belongs to something else."""
        if block == self.tree.root:
            constant = self.tree.kinds[block].constant or 0.0
            return f"{constant:.6g} + " if constant else ""
        above = min((other for other in self.tree.kinds if block < other), key=len)
        return f"{next(self.letters)} + " if self.tree.kinds[above].name == MULTIPLICATIVE else ""

    def _is_sum(self, block: Block) -> bool:
        kind = self.tree.kinds.get(block)
        return kind is not None and (kind.name in (ADDITIVE, MULTIPLICATIVE) or bool(kind.terms))

    def _name(self, block: Block) -> str:
        return latex_name(self.tree.names[next(iter(block))])


def latex_name(name: str) -> str:
    """Return a name as LaTeX: one letter with an index as sympy writes it, all else upright and escaped.

    Example:
        >>> latex_name("x12"), latex_name("omega_0"), latex_name("v (m/s)")
        ('x_{12}', '\\\\omega_{0}', '\\\\mathrm{v\\\\ (m/s)}')
    """
    import sympy

    plain = sympy.latex(sympy.Symbol(name))
    if re.fullmatch(r"(\\?[A-Za-z]|\\[a-z]+)(_\{\w{1,3}\})?", plain) or (len(name) == 1 and name.isalnum()):
        return plain
    return rf"\mathrm{{{' '.join(name.split()).translate(_ESCAPED)}}}"
