"""Trees of tables: the blocks of the Feynman formulas, found from rows alone, by kanscience and by pykan.

The finders get arrays. The formula itself is only asked for the blocks that count as right, and, to see what the peer's
search does without the errors of a fit, handed to pykan once more as a function.
"""

from __future__ import annotations

import contextlib
import io
import os
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context

import numpy as np
import torch
from _machine import table

import kanscience as ks

ROWS = 1_000
NOISES = (0.0, 0.01)
SEED = 2  # of the samples; the search was developed on samples of seed 0
PEER_THRESHOLDS = (1e-3, 1e-2, 1e-1)  # 1e-3 is pykan's default
PEER_STEPS = 50

Kinds = dict[frozenset[int], str | None]


@dataclass(frozen=True)
class Law:
    """A formula and the ranges of its variables."""

    name: str
    formula: str
    ranges: tuple[tuple[str, float, float], ...]

    def network(self) -> ks.MultKAN:
        """Return the compiled formula."""
        return ks.compile_formula(self.formula, [name for name, *_ in self.ranges])


@dataclass
class Score:
    """How many blocks were right, and how many whole sets of blocks."""

    right: int = 0
    known: int = 0
    found: int = 0
    tables: int = 0
    blocks_right: int = 0
    kinds_right: int = 0
    roots: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def add(self, law: str, known: Kinds, found: Kinds, seconds: float) -> None:
        """Count one table."""
        self.right += len(known.keys() & found.keys())
        self.known += len(known)
        self.found += len(found)
        self.tables += 1
        self.roots += len(known) > 0
        self.seconds += seconds
        self.blocks_right += known.keys() == found.keys()
        self.kinds_right += known == found
        self.wrong += [law] * (known.keys() != found.keys())

    def row(self, *what: str) -> tuple[str, ...]:
        """Return the cells of a table."""
        f1 = 2 * self.right / (self.known + self.found)
        inside = 2 * max(0, self.right - self.roots) / max(1, self.known + self.found - 2 * self.roots)
        whole = self.blocks_right, self.kinds_right or "–"
        return *what, f"{f1:.3f}", f"{inside:.3f}", *whole, f"{self.seconds / self.tables:.1f}", _some(self.wrong)


HEADER = ("finder", "noise", "F1", "F1 without roots", "all blocks", "all kinds too", "seconds a table", "wrong")


def feynman_laws() -> list[Law]:
    """Return the hundred formulas of the Lectures, without the twenty that were added to them."""
    rows = ks.load_table("feynman_equations").itertuples()
    return [_law(row) for row in rows if row.filename.split(".")[0] in ("I", "II", "III")]


def _law(row) -> Law:
    ranges = (entry.split(":") for entry in row.variables.split(";"))
    return Law(row.filename, row.formula, tuple((name, float(low), float(high)) for name, low, high in ranges))


def report() -> str:
    """Return the table of all finders and noises."""
    peers = _peers()
    scores = {(finder, noise): Score() for noise in NOISES for finder in ("kanscience", *peers)}
    cases = [(law, noise, k) for k, law in enumerate(feynman_laws()) for noise in NOISES]
    with get_context("fork").Pool(os.cpu_count()) as pool:
        for law, noise, known, answers in pool.imap(_case, cases):
            for finder, (found, seconds) in answers.items():
                scores[finder, noise].add(law, known, found, seconds)
    rows = [score.row(finder, f"{noise:.0%}") for (finder, noise), score in scores.items()]
    return table(HEADER, rows)


def _peers() -> list[str]:
    try:
        import kan  # noqa: F401
    except ImportError:
        return []
    ways = ("pykan, fitted", "pykan, given the formula")
    return [f"{way}, threshold {threshold:g}" for way in ways for threshold in PEER_THRESHOLDS]


def _case(case: tuple[Law, float, int]) -> tuple[str, float, Kinds, dict[str, tuple[Kinds, float]]]:
    law, noise, number = case
    torch.set_num_threads(1)
    rng = np.random.default_rng([SEED, number])
    X = np.stack([rng.uniform(low, high, ROWS) for _, low, high in law.ranges], axis=1)
    network = law.network()
    y = network.predict(X).ravel()
    inside = np.isfinite(y)
    X, y = X[inside], y[inside]
    known = _kinds(ks.discover_tree(network, X))
    measured = y + noise * y.std() * rng.normal(size=len(y))
    answers = {"kanscience": _timed(lambda: _kinds(ks.discover_tree(X, measured)))}
    if _peers():
        answers |= dict(_peer_answers(X, measured, network))
    return law.name, noise, known, answers


def _kinds(tree: ks.StructureTree) -> Kinds:
    return {block: tree.kind(block) for block in tree.blocks}


def _timed(find: Callable[[], Kinds]) -> tuple[Kinds, float]:
    begun = time.process_time()
    return find(), time.process_time() - begun


def _peer_answers(X: np.ndarray, y: np.ndarray, law: torch.nn.Module) -> Iterator[tuple[str, tuple[Kinds, float]]]:
    low, width = X.min(axis=0), np.ptp(X, axis=0)
    scaled = torch.from_numpy(2 * (X - low) / width - 1)
    begun = time.process_time()
    fitted = _pykan(scaled, torch.from_numpy((y - y.mean()) / y.std())[:, None])
    training = time.process_time() - begun
    formula = lambda t: law((t + 1) / 2 * torch.from_numpy(width) + torch.from_numpy(low))  # noqa: E731
    for way, f, before in (("pykan, fitted", fitted, training), ("pykan, given the formula", formula, 0.0)):
        for threshold in PEER_THRESHOLDS:
            found, seconds = _timed(lambda f=f, threshold=threshold: _pykan_blocks(f, scaled, threshold))
            yield f"{way}, threshold {threshold:g}", (found, before + seconds)


def _pykan(X: torch.Tensor, y: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    import kan

    torch.set_default_dtype(torch.float64)
    with _silent():
        network = kan.KAN(width=[X.shape[1], 5, 1], grid=5, k=3, seed=0, auto_save=False)
        data = {"train_input": X, "train_label": y, "test_input": X[:100], "test_label": y[:100]}
        network.fit(data, opt="LBFGS", steps=PEER_STEPS)
    return network


def _pykan_blocks(f: Callable, X: torch.Tensor, threshold: float) -> Kinds:
    """Return what pykan puts together on any level of its tree."""
    from kan.hypothesis import get_molecule

    try:
        with _silent():
            levels = get_molecule(f, X, sym_th=threshold, verbose=False)
    except Exception as reason:  # counts as nothing found, and is said
        print(f"pykan failed on {X.shape[1]} columns: {reason!r}")
        return {}
    return {frozenset(map(int, group)): None for level in levels for group in level if len(group) > 1}


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


def _some(names: list[str], most: int = 6) -> str:
    shown = ", ".join(names[:most]) or "none"
    return shown + (f", … ({len(names)})" if len(names) > most else "")
