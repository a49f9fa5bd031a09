"""Text to sympy, by a walk over Python's own syntax tree. Nothing of the text is ever executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

import sympy
from sympy.logic.boolalg import Boolean

from kanscience._errors import FormulaError
from kanscience.compiler._limits import (
    MOST_CHARACTERS,
    MOST_DEPTH,
    check_constant,
    check_power,
    exact_number,
    excerpt,
    product_of,
    quick,
    sum_of,
)
from kanscience.compiler._names import (
    CONDITIONAL,
    FUNCTION_NAMES,
    WORDS,
    Word,
    functions_by_name,
    no_such_function,
    normalised,
    symbol_or_constant,
    written,
)
from kanscience.functions import as_library

if TYPE_CHECKING:
    from kanscience.functions import Function, Library

_RELATIONS: dict[type, type] = {
    ast.Lt: sympy.Lt,
    ast.LtE: sympy.Le,
    ast.Gt: sympy.Gt,
    ast.GtE: sympy.Ge,
    ast.Eq: sympy.Eq,
    ast.NotEq: sympy.Ne,
}
_NAMED_RELATIONS = {name: getattr(sympy, name) for name in ("Lt", "Le", "Gt", "Ge", "Eq", "Ne")}
_JUNCTIONS = {"And": sympy.And, "Or": sympy.Or, "Not": sympy.Not}


def parse_formula(
    text: str, *, variables: Iterable[str] = (), library: Library | Sequence[str] | None = None
) -> sympy.Expr:
    """Read a formula as numpy and sympy spell it: ``"k*x**2/2 + arcsin(sqrt(y))"``.

    Args:
        text: at most 10,000 characters, nested at most 100 deep. Powers are written ``**``, products ``*``.
        variables: names that stand for variables even where they are constants or functions elsewhere
            (``I``, ``E``, ``gamma``).
        library: whose functions may be called by their names, those of the user's own too; None is the default library.

    Returns:
        An expression of plain symbols. Integers and fractions of them are exact; ``0.1`` is the float. A function of
        the user's own is an undefined function of its name.

    Raises:
        FormulaError: the text is no formula; it holds something that formulas do not know; a constant part
            has no finite real value. Nothing of the text is executed.

    Example:
        >>> import kanscience as ks
        >>> ks.parse_formula("1/2*m*v**2 + ln(E)")
        m*v**2/2 + 1
        >>> ks.parse_formula("2x")
        Traceback (most recent call last):
        ...
        kanscience._errors.FormulaError: '2x' is no formula: invalid decimal literal. Products are written with *: 2*x.
    """
    if not isinstance(text, str):
        raise FormulaError(f"a formula is text, not {type(text).__name__}: {text!r}.")
    tree = _syntax_tree(text)
    walk = _Walk(text, {normalised(name) for name in variables}, functions_by_name(as_library(library)))
    try:
        return walk.value(tree.body, 0)
    except (RecursionError, TypeError, NotImplementedError, ArithmeticError, AttributeError) as reason:
        # sympy's own refusals, of an unordered comparison for instance
        raise FormulaError(f"{excerpt(text)!r} cannot be read: {reason}.") from None


def _syntax_tree(text: str) -> ast.Expression:
    if len(text) > MOST_CHARACTERS:
        raise FormulaError(
            f"the formula has {len(text)} characters, more than {MOST_CHARACTERS}. "
            "Build it from sympy expressions instead of text."
        )
    if not text.strip():
        raise FormulaError("the formula is empty.")
    if "#" in text:
        raise FormulaError(f"{excerpt(text)!r} holds '#', which would begin a comment. Leave it out.")
    try:
        return ast.parse(text.strip(), mode="eval")
    except (RecursionError, MemoryError):
        raise FormulaError(f"{excerpt(text)!r} is nested too deeply or too long.") from None
    except (SyntaxError, ValueError) as reason:
        message = reason.msg if isinstance(reason, SyntaxError) else str(reason)
        raise FormulaError(f"{excerpt(text)!r} is no formula: {message}.{_syntax_hint(text, message)}") from None


def _syntax_hint(text: str, message: str) -> str:
    if "lambda" in text:
        return " 'lambda' is a word of Python: name the variable lambd or lambda_."
    if re.search(r"(?<![<>=!])=(?!=)", text):
        return " Write the right-hand side alone."
    called = re.search(rf"\b({'|'.join(FUNCTION_NAMES)})\s+\w", text)
    if called:
        return f" Arguments stand in parentheses: {called[1]}(x)."
    if re.search("[²³⁴⁵⁶⁷⁸⁹⁻]", text):
        return " Powers are written **: x**2."
    if re.search("[−×÷√⋅]", text):
        return " Write - for −, * for × and ⋅, / for ÷, sqrt(x) for √x."
    is_condition = re.search("[<>]|[=!]=", text)  # there | means or
    if re.search(r"!(?!=)", text) or ("|" in text and not is_condition):
        return " Write abs(x) for |x|, and factorial(n) for n!."
    if text.rstrip()[-1] in "+-*/":
        return " Its end is missing."
    if "invalid" in message or "comma" in message:
        return " Products are written with *: 2*x."
    return ""


class _Walk:
    """From the nodes of Python's syntax tree to sympy."""

    def __init__(self, text: str, declared: set[str], functions: Mapping[str, Function]) -> None:
        self.text, self.declared, self.functions = text.strip(), declared, functions

    def excerpt(self, node: ast.AST) -> str:
        return excerpt(ast.get_source_segment(self.text, node) or self.text)

    def value(self, node: ast.expr, depth: int) -> sympy.Expr:
        """Return the expression of a node; a constant one is finite and real."""
        if depth > MOST_DEPTH:
            raise FormulaError(f"{excerpt(self.text)!r} is nested more than {MOST_DEPTH} deep.")
        match node:
            case ast.Constant():
                return self._number(node)
            case ast.Name():
                return symbol_or_constant(normalised(node.id), self.declared)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return self._signed(node, depth)
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                built = sum_of(self._terms(node, depth))
            case ast.BinOp(op=ast.Mult() | ast.Div()):
                built = product_of(self._factors(node, depth))
            case ast.BinOp(op=ast.Pow()):
                base, exponent = self.value(node.left, depth + 1), self.value(node.right, depth + 1)
                check_power(base, exponent, self.excerpt(node))
                at_once = exponent.is_Integer or base == 1
                with nullcontext() if at_once else quick(base, exponent):
                    built = base**exponent
            case ast.Call():
                built = self._call(node, depth)
            case _:
                raise self._refusal(node)
        check_constant(built, self.excerpt(node))
        return built

    def _number(self, node: ast.Constant) -> sympy.Expr:
        value = node.value
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._refusal(node)
        return exact_number(value, self.excerpt(node))

    def _signed(self, node: ast.UnaryOp, depth: int) -> sympy.Expr:
        sign, inner = 1, node
        while isinstance(inner, ast.UnaryOp) and isinstance(inner.op, ast.USub | ast.UAdd):
            sign, inner = (-sign if isinstance(inner.op, ast.USub) else sign), inner.operand
        return sign * self.value(inner, depth + 1)

    # Long chains lean to the left: they are walked in a loop, not by recursion.

    def _terms(self, node: ast.expr, depth: int) -> list[sympy.Expr]:
        terms = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            right = self.value(node.right, depth + 1)
            terms.append(-right if isinstance(node.op, ast.Sub) else right)
            node = node.left
        return [self.value(node, depth + 1), *reversed(terms)]

    def _factors(self, node: ast.expr, depth: int) -> list[sympy.Expr]:
        factors = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
            right = self.value(node.right, depth + 1)
            if isinstance(node.op, ast.Div):
                if right.is_zero:
                    raise FormulaError(f"{self.excerpt(node)!r} divides by zero.")
                right = 1 / right
            factors.append(right)
            node = node.left
        return [self.value(node, depth + 1), *reversed(factors)]

    def _call(self, node: ast.Call, depth: int) -> sympy.Expr:
        if not isinstance(node.func, ast.Name):
            raise self._refusal(node.func)
        name = normalised(node.func.id)
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise FormulaError(f"{self.excerpt(node)!r}: arguments in formulas have neither names nor stars.")
        if name in CONDITIONAL and name not in self.declared:
            return self._piecewise(node, name, depth)
        word = WORDS.get(name) or self._library_word(name)
        if word is None or name in self.declared:
            raise no_such_function(name, self.declared, self.functions)
        if not word.takes(len(node.args)):
            raise FormulaError(f"{self.excerpt(node)!r}: {name} takes {word.arity}, not {len(node.args)}.")
        values = [self.value(argument, depth + 1) for argument in node.args]
        with quick(*values):
            return word.build(*values)

    def _library_word(self, name: str) -> Word | None:
        function = self.functions.get(name)
        return None if function is None else Word(partial(written, function))

    def _piecewise(self, node: ast.Call, name: str, depth: int) -> sympy.Expr:
        if name == "where":
            if len(node.args) != 3:
                raise FormulaError(f"{self.excerpt(node)!r}: write where(condition, value, other value).")
            condition, value, other = node.args
            pairs = [(value, condition), (other, ast.Constant(True))]
        else:
            if not node.args or not all(isinstance(pair, ast.Tuple) and len(pair.elts) == 2 for pair in node.args):
                raise FormulaError(f"{self.excerpt(node)!r}: write Piecewise((value, condition), ..., (value, True)).")
            pairs = [pair.elts for pair in node.args if isinstance(pair, ast.Tuple)]
        return sympy.Piecewise(*((self.value(v, depth + 1), self._condition(c, depth + 1)) for v, c in pairs))

    def _condition(self, node: ast.expr, depth: int) -> Boolean:
        if depth > MOST_DEPTH:
            raise FormulaError(f"{excerpt(self.text)!r} is nested more than {MOST_DEPTH} deep.")

        def inner(nodes: Sequence[ast.expr]) -> list[Boolean]:
            return [self._condition(part, depth + 1) for part in nodes]

        match node:
            case ast.Constant(value=bool()):
                return sympy.true if node.value else sympy.false
            case ast.Compare():
                sides = [self.value(side, depth + 1) for side in (node.left, *node.comparators)]
                if any(type(op) not in _RELATIONS for op in node.ops):
                    raise self._refusal(node)
                pairs = zip(node.ops, sides, sides[1:], strict=False)
                return sympy.And(*(_RELATIONS[type(op)](left, right) for op, left, right in pairs))
            case ast.BoolOp():
                return (sympy.And if isinstance(node.op, ast.And) else sympy.Or)(*inner(node.values))
            case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
                return (sympy.And if isinstance(node.op, ast.BitAnd) else sympy.Or)(*inner([node.left, node.right]))
            case ast.UnaryOp(op=ast.Not() | ast.Invert()):
                return sympy.Not(*inner([node.operand]))
            case ast.Call(func=ast.Name(id=name)) if name in _NAMED_RELATIONS and len(node.args) == 2:
                return _NAMED_RELATIONS[name](*(self.value(side, depth + 1) for side in node.args))
            case ast.Call(func=ast.Name(id=name)) if name in _JUNCTIONS and node.args:
                return _JUNCTIONS[name](*inner(node.args))
        raise FormulaError(
            f"{self.excerpt(node)!r} is no condition. Write one such as x < 1, or True for all other cases."
        )

    def _refusal(self, node: ast.AST) -> FormulaError:
        text = self.excerpt(node)
        match node:
            case ast.BinOp(op=ast.BitXor()):
                return FormulaError(f"{text!r}: powers are written **, not ^.")
            case ast.BinOp(op=ast.MatMult() | ast.Mod() | ast.FloorDiv() | ast.LShift() | ast.RShift()):
                return FormulaError(f"{text!r}: formulas know the operators + - * / **.")
            case ast.Attribute():
                return FormulaError(f"{text!r}: write functions without a module, {node.attr}(...).")
            case ast.Call() | ast.Constant():
                return FormulaError(f"{text!r}: products are written with *, and numbers are real.")
            case ast.IfExp():
                return FormulaError(f"{text!r}: write where(condition, value, other value).")
            case ast.Compare() | ast.BoolOp():
                return FormulaError(f"{text!r} is a condition, no number. Use Piecewise((value, condition), ...).")
            case ast.Tuple():
                return FormulaError(f"{text!r}: decimals have a point, 1.5; write one formula at a time.")
        return FormulaError(f"{text!r} has no place in a formula; it is made of numbers, names, + - * / ** and calls.")
