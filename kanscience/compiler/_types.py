"""Names of sympy's types. Its own annotations call every part of an expression ``Basic``, and know no more of it."""

from __future__ import annotations

from typing import Any

Expr = Any  # a sympy.Expr
Condition = Any  # sympy's true and false, a comparison, And, Or, Not
