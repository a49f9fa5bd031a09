"""Expressions as people, LaTeX and Python spell them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from kanscience.structure import latex_name

if TYPE_CHECKING:
    import sympy

DIGITS = 5
"""Significant digits of the numbers in a formula that is read by people."""


def as_text(expression: sympy.Expr, digits: int | None = DIGITS) -> str:
    """Return the formula as one line; ``digits=None`` keeps all digits of its numbers.

    Names stand there as they are, those that read like a formula in parentheses: sympy reads the line back where they
    are names in Python too. Fitted numbers have a dot: ``2.0*a`` is rounded, ``2*a`` is exact.

    Example:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> as_text(1.23456789 * x**2), as_text(sympy.pi * x / 3), as_text(sympy.Symbol("T-T0") ** 2)
        ('1.2346*x**2', 'pi*x/3', '(T-T0)**2')
    """
    from sympy.printing.str import StrPrinter

    class Printer(StrPrinter):
        def _print_Float(self, number: Any) -> str:  # noqa: N802
            return _number(float(number), digits)

        def _print_Symbol(self, symbol: Any) -> str:  # noqa: N802
            return f"({symbol.name})" if _reads_like_a_formula(symbol.name) else symbol.name

    return Printer().doprint(expression)


def _reads_like_a_formula(name: str) -> bool:
    # units in brackets aside
    return re.search(r"[-+*/^=<>|]", re.sub(r"\[[^\]]*\]|\([^)]*\)", "", name)) is not None


def as_latex(expression: sympy.Expr, digits: int = DIGITS) -> str:
    """Return the formula as LaTeX for a formula environment; long names stand upright as they are.

    Example:
        >>> import sympy
        >>> as_latex(sympy.Symbol("semi_major_axis") ** sympy.Rational(3, 2))
        '\\\\mathrm{semi\\\\_major\\\\_axis}^{\\\\frac{3}{2}}'
    """
    import sympy

    rounded = {number: sympy.Float(number, digits) for number in expression.atoms(sympy.Float)}
    names = {symbol: latex_name(symbol.name) for symbol in _symbols(expression)}
    names |= {symbol: rf"\left({its}\right)" for symbol, its in names.items() if _reads_like_a_formula(symbol.name)}
    return sympy.latex(expression.xreplace(rounded), symbol_names=names)


def as_mathml(expression: sympy.Expr, left: str = "", digits: int = DIGITS) -> str:
    """Return the formula, or the equation ``left = formula``, as presentation MathML, which browsers set.

    Each term of a sum is a ``<math>`` of its own, so that a long sum is broken into lines between them.
    """
    import sympy

    rounded: Any = expression.xreplace({n: sympy.Float(n, digits) for n in expression.atoms(sympy.Float)})
    printer = _mathml_printer()
    parts = [f"{printer._print(sympy.Symbol(left)).toxml()}<mo>=</mo>"] if left else []
    for k, term in enumerate(rounded.as_ordered_terms()):
        negative = term.could_extract_minus_sign()
        sign = "<mo>\u2212</mo>" if negative else "<mo>+</mo>" if k else ""
        parts.append(sign + printer._print(-term if negative else term).toxml())
    return " ".join(f"<math><mrow>{part}</mrow></math>" for part in parts)


def _mathml_printer() -> Any:
    from sympy.printing.mathml import MathMLPresentationPrinter

    class Printer(MathMLPresentationPrinter):
        def _print_Symbol(self, symbol: Any, style: str = "plain") -> Any:  # noqa: N802
            indexed = re.fullmatch(r"([^\W\d_])_?(\d{1,3})", symbol.name)
            letter, index = indexed.groups() if indexed else (symbol.name, "")
            letter = f"({letter})" if _reads_like_a_formula(letter) else letter
            name = self.dom.createElement("mi")
            name.appendChild(self.dom.createTextNode(escape(letter)))  # sympy writes text nodes unescaped
            if not index:
                return name
            subscript, number = self.dom.createElement("msub"), self.dom.createElement("mn")
            number.appendChild(self.dom.createTextNode(index))
            subscript.appendChild(name)
            subscript.appendChild(number)
            return subscript

    return Printer({"mul_symbol": "&#xB7;"})


def as_python(
    expressions: Sequence[sympy.Expr], names: Sequence[str], outputs: Sequence[str], *, note: str = ""
) -> str:
    """Return the text of a module with one numpy function for each formula, all digits kept.

    Args:
        expressions: one for each output.
        names: of the inputs. Only those in the formula become arguments, in this order.
        outputs: names of the functions. Where a name is no Python name, the nearest one is taken.
        note: ends up in the module's docstring.

    Example:
        >>> import sympy
        >>> print(as_python([2 * sympy.Symbol("x t")], ["x t"], ["y"], note="A line."))
        \"\"\"A line.\"\"\"
        <BLANKLINE>
        <BLANKLINE>
        def y(x_t):
            \"\"\"y = 2*x t\"\"\"
            return 2*x_t
        <BLANKLINE>
    """
    printer = _numpy_printer()
    arguments = dict(zip(names, python_names(names), strict=True))
    functions, wanted = [], set()
    for expression, name, output in zip(expressions, python_names(outputs), outputs, strict=True):
        used = [n for n in names if n in {symbol.name for symbol in _symbols(expression)}]
        body = _with_plain_symbols(expression, arguments)
        printer.module_imports.clear()
        code = printer.doprint(body)
        wanted |= set(printer.module_imports)
        functions.append(
            f"def {name}({', '.join(arguments[n] for n in used)}):\n"
            f'    """{_docstring(f"{output} = {as_text(expression, None)}")}"""\n'
            f"    return {code}\n"
        )
    imports = "".join(f"import {module}\n" for module in sorted(wanted))
    head = f'"""{_docstring(note)}"""\n' + (f"\n{imports}" if imports else "")
    return "\n\n".join([head, *functions])


def python_names(names: Sequence[str]) -> list[str]:
    """Return the nearest names that Python allows, all different.

    Example:
        >>> python_names(["x", "mass (kg)", "2nd", "lambda", "mass [kg]"])
        ['x', 'mass_kg', 'x2nd', 'lambda_', 'mass_kg_2']
    """
    found: list[str] = []
    for name in names:
        plain = re.sub(r"\W+", "_", name).strip("_") if not name.isidentifier() else name
        plain = f"x{plain}" if not plain or plain[0].isdigit() else plain
        if keyword.iskeyword(plain) or plain in ("numpy", "scipy"):
            plain += "_"
        stem, count = plain, 1
        while plain in found:
            count += 1
            plain = f"{stem}_{count}"
        found.append(plain)
    return found


def _number(value: float, digits: int | None) -> str:
    if digits is None:
        return repr(value)
    text = f"{value:.{digits}g}"
    return text if re.search(r"[.en]", text) else f"{text}.0"


def _symbols(expression: sympy.Expr) -> list[Any]:
    return sorted(expression.free_symbols, key=str)


def _with_plain_symbols(expression: sympy.Expr, names: dict[str, str]) -> Any:
    import sympy

    return expression.xreplace({s: sympy.Symbol(names.get(s.name, s.name)) for s in _symbols(expression)})


def _docstring(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', "'''").rstrip('"')


def _numpy_printer() -> Any:
    from sympy.printing.numpy import SciPyPrinter

    class Printer(SciPyPrinter):
        def _print_Float(self, number: Any) -> str:  # noqa: N802
            return repr(float(number))

    return Printer({"fully_qualified_modules": True, "allow_unknown_functions": False})
