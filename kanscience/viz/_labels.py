"""Names, numbers and functions as text that matplotlib sets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.mathtext import MathTextParser

from kanscience.functions import Library
from kanscience.graph import Graph, Number, SplineTerm, Term
from kanscience.viz._style import INK, LABEL_SIZE, NAME_SIZE, name_as_math, text_size

if TYPE_CHECKING:
    import sympy

_MOST_DIGITS = 4


@dataclass(frozen=True)
class Label:
    """A text and whether it is mathtext; knows its size in inches."""

    text: str
    math: bool
    points: float = LABEL_SIZE

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches."""
        return text_size(self.text, self.points, self.math)

    def draw(self, axes: Axes, x: float, y: float, *, scale: float = 1.0, **options: Any) -> None:
        """Write it, centred on the point unless the options say otherwise."""
        options = {"ha": "center", "va": "center", "color": INK, **options}
        axes.text(x, y, self.text, fontsize=self.points * scale, parse_math=self.math, **options)


def name_label(name: str, unit: str | None = None) -> Label:
    """Return the label of a named node, with its unit in brackets."""
    math = name_as_math(name)
    if not unit:
        return Label(math or name, bool(math), NAME_SIZE)
    if math and "$" not in unit and "\\" not in unit:
        return Label(f"{math} [{unit}]", True, NAME_SIZE)
    return Label(f"{name} [{unit}]", False, NAME_SIZE)


def node_names(graph: Graph) -> dict[str, Label]:
    """Return the labels of inputs, parameters and outputs."""
    return {
        node: name_label(graph.nodes[node]["name"], graph.nodes[node].get("unit"))
        for kind in ("input", "parameter", "output")
        for node in graph.nodes_of(kind)
    }


def name_of_value(graph: Graph, node: str) -> str:
    """Return the name of the input or parameter whose value a node hands on; "" if it computes something."""
    data = graph.nodes[node]
    while data["kind"] == "sum" and graph.in_degree(node) == 1 and not data["bias"].value:
        (source,) = graph.predecessors(node)
        function = graph.edges[source, node]["function"]
        if not hands_on(function):
            break
        node, data = source, graph.nodes[source]
    return data.get("name", "") if data["kind"] in ("input", "parameter") else ""


def is_identity(function: tuple) -> bool:
    """Whether an edge hands its value on, unchanged but for a factor."""
    return len(function) == 1 and isinstance(function[0], Term) and function[0].is_identity


def hands_on(function: tuple) -> bool:
    """Whether an edge hands its value on unchanged."""
    return is_identity(function) and function[0].scale.value == 1


def number_label(number: Number, before: str = "", points: float = LABEL_SIZE) -> Label:
    """Return a number as a label, exact where it is exact, else with few digits."""
    import sympy

    text = f"${before}{sympy.latex(_short(number))}$"
    return Label(text, True, points) if _can_be_set(text) else Label(f"{before}{number}", False, points)


def function_label(library: Library, function: tuple[Term | SplineTerm, ...], variable: str) -> Label:
    """Return what an edge does as a label.

    Args:
        library: where the functions are looked up.
        function: the terms of the edge.
        variable: the name of the source, or "" where it has none: then a little box stands for it.
    """
    import sympy

    name = _variable_as_math(variable)
    x = sympy.Symbol(name)
    parts = []
    for term in function:
        if isinstance(term, SplineTerm):
            parts.append(("free" if term.is_free else "spline") + f"({variable or '·'})")
            continue
        expression = _short(term.scale) * (
            x
            if term.is_identity
            else library.resolve(term.function, term.arguments).sympy(_short(term.slope) * x + _short(term.shift))
        )
        parts.append(sympy.latex(expression, symbol_names={x: name}, mul_symbol=r" \, ", fold_frac_powers=True))
    if not any(isinstance(term, SplineTerm) for term in function):
        text = f"${_tidy(' + '.join(parts))}$"
        if _can_be_set(text):
            return Label(text, True)
    plain = " + ".join(term.text(variable or "·") for term in function) or "0"
    return Label(plain, False)


# mathtext knows no cases: they stand in a row.
_CASES = (
    (r"\begin{cases} ", r"\{"),
    (r" & \text{for}\: ", r"\;\mathrm{for}\;"),
    (r" & \text{otherwise}", r"\;\mathrm{else}"),
    (r" \\", r";\;\;"),
    (r" \end{cases}", r"\}"),
)

_BOX = "◻"  # stands for a value without a name


def _variable_as_math(name: str) -> str:
    short = name_as_math(name).strip("$")
    if short or not re.fullmatch(r"\w+", name, re.ASCII):
        return short or _BOX
    return rf"\mathrm{{{name}}}".replace("_", r"\_")


def _tidy(latex: str) -> str:
    for old, new in _CASES:
        latex = latex.replace(old, new)
    latex = re.sub(
        r"\\frac\{1\}\{([^{}\\+]|[^{}\\+]\^\{\w+\}|\\sqrt\{[^{}\\+]\})\}", r"1/\1", latex.replace("+ -", "- ")
    )
    if r"\frac" in latex:
        return latex
    # Brackets that need not grow stand closer to their function.
    for old, new in ((r"{\left(", "("), (r"\right)}", ")"), (r"\left|{", "|"), (r"}\right|", "|")):
        latex = latex.replace(old, new)
    return latex.replace(r"\left(", "(").replace(r"\right)", ")").replace(" )", ")")


def _short(number: Number) -> sympy.Expr:
    import sympy

    if number.is_exact and len(str(number.exact)) <= 12:
        return number.sympy()
    digits = f"{number.value:.{_MOST_DIGITS}g}"
    whole = float(digits)
    return sympy.Integer(int(whole)) if whole == int(whole) and abs(whole) < 1e4 else sympy.Float(digits)


def _can_be_set(text: str) -> bool:
    # matplotlib knows a part of LaTeX only; what it parsed once it remembers.
    try:
        MathTextParser("path").parse(text)
    except ValueError:
        return False
    return True
