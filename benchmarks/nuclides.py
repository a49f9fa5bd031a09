"""Nuclear binding energies from Z and N alone: python benchmarks/nuclides.py [--splits 5] [--only network,boosting]

Networks, their median, a formula, the Bethe-Weizsaecker formula, gradient boosting and a Gaussian process learn from the
same rows and are judged on the same held-out ones: a random fifth, over several splits, and the three outermost isotopes
at each end of every chain of nine or more. Each run is kept in benchmarks/nuclides.json, so that an interrupted benchmark
goes on where it stopped; table and pictures are benchmarks/nuclides.md, nuclides_residuals.png and nuclides_gaps.png.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import kanscience as ks
from kanscience.datasets import random_split
from kanscience.discovery import fit_ensemble

HERE = Path(__file__).parent
MAGIC = {"N": (28, 50, 82, 126), "Z": (28, 50, 82)}
MEMBERS = 4


@dataclass(frozen=True)
class Nuclides:
    """Rows of the table: proton and neutron numbers, binding energy and its standard error in MeV."""

    X: np.ndarray  # (N, 2): Z and N
    y: np.ndarray
    sigma: np.ndarray

    def rows(self, index: np.ndarray) -> Nuclides:
        return Nuclides(self.X[index], self.y[index], self.sigma[index])


def load() -> Nuclides:
    frame = ks.load_table("nuclear_binding")
    X, y, sigma = (np.array(frame[of], dtype=float) for of in (["Z", "N"], "binding_energy_MeV", "uncertainty_MeV"))
    return Nuclides(X, y, sigma)


def outermost(table: Nuclides, count: int = 3) -> np.ndarray:
    """Return a mask of the lightest and the heaviest isotopes of every element that keeps as many others."""
    mask = np.zeros(len(table.y), dtype=bool)
    for z in np.unique(table.X[:, 0]):
        chain = np.flatnonzero(table.X[:, 0] == z)
        chain = chain[np.argsort(table.X[chain, 1])]
        if len(chain) < 3 * count:
            continue
        mask[chain[:count]] = mask[chain[-count:]] = True
    return mask


def splits(table: Nuclides, how_many: int) -> dict[str, tuple[int, np.ndarray, np.ndarray]]:
    """Return by name: seed, rows to learn from, rows held out."""
    found = {}
    for seed in range(how_many):
        split = random_split(len(table.y), seed=seed)
        found[f"random fifth {seed}"] = seed, split.train, split.held_out
    outer = outermost(table)
    found["outermost isotopes"] = 0, np.flatnonzero(~outer), np.flatnonzero(outer)
    return found


@dataclass(frozen=True)
class Learnt:
    """Predictions by the names of the models, and a formula where there is one."""

    predicted: Mapping[str, np.ndarray]
    formula: str = ""
    operations: int = 0


# What learns: from rows, and asked for others.
Method = Callable[[Nuclides, np.ndarray, int], Learnt]


def networks(table: Nuclides, X: np.ndarray, seed: int) -> Learnt:
    found = fit_ensemble(table.X, table.y, sigma=table.sigma, members=MEMBERS, seed=10 * seed)
    single = {f"network {k}": network.predict(X) for k, network in enumerate(found.networks)}
    return Learnt({**single, f"median of {MEMBERS} networks": found.predict(X)})


def formula(table: Nuclides, X: np.ndarray, seed: int) -> Learnt:
    found = ks.discover(table.X, table.y, names=("Z", "N"), sigma=table.sigma, seed=seed)
    return Learnt({"formula": found.predict(X)}, found.formulas()[0][1], found.best.complexity)


def bethe_weizsaecker(table: Nuclides, X: np.ndarray, seed: int) -> Learnt:
    terms = np.linalg.lstsq(_liquid_drop(table.X), table.y, rcond=None)[0]
    return Learnt({"Bethe-Weizsäcker, refitted": _liquid_drop(X) @ terms})


def _liquid_drop(X: np.ndarray) -> np.ndarray:
    Z, N = X.T
    A = Z + N
    pairing = (1 - Z % 2 - N % 2) / np.sqrt(A)
    return np.stack([A, A ** (2 / 3), Z * (Z - 1) / A ** (1 / 3), (N - Z) ** 2 / A, pairing], axis=1)


def boosting(table: Nuclides, X: np.ndarray, seed: int) -> Learnt:
    from sklearn.ensemble import GradientBoostingRegressor

    model = GradientBoostingRegressor(
        n_estimators=3000, learning_rate=0.05, max_depth=6, subsample=0.5, random_state=seed
    )
    return Learnt({"gradient boosting": model.fit(table.X, table.y).predict(X)})


def gaussian_process(table: Nuclides, X: np.ndarray, seed: int) -> Learnt:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    smooth = RBF([20.0, 20.0], (1.0, 1e3))  # pyright: ignore[reportArgumentType] a length for each column
    kernel = ConstantKernel(10.0, (1e-2, 1e5)) * smooth + WhiteKernel(1e-5, (1e-9, 1.0))
    model = GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed)
    return Learnt({"Gaussian process": np.asarray(model.fit(table.X, table.y).predict(X))})


METHODS: dict[str, Method] = {
    "network": networks,
    "formula": formula,
    "liquid-drop": bethe_weizsaecker,
    "boosting": boosting,
    "gaussian-process": gaussian_process,
}


def two_nucleon_gaps(X: np.ndarray, energy: np.ndarray, column: int) -> dict[int, float]:
    """Return 2B(n) - B(n+2) - B(n-2), MeV, by the number n in that column (0: protons, 1: neutrons).

    Averaged over the nuclides whose two neighbours are there too; numbers with less than three such nuclides are left
    out. A closed shell shows as a peak: the next pair is bound less.
    """
    energies = {(int(z), int(n)): float(b) for (z, n), b in zip(X, energy, strict=True)}
    two = (2, 0) if column == 0 else (0, 2)
    found: dict[int, list[float]] = {}
    for (z, n), b in energies.items():
        lighter, heavier = energies.get((z - two[0], n - two[1])), energies.get((z + two[0], n + two[1]))
        if lighter is not None and heavier is not None:
            found.setdefault((z, n)[column], []).append(2 * b - lighter - heavier)
    return {n: float(np.mean(gaps)) for n, gaps in sorted(found.items()) if len(gaps) >= 3}


def local_maxima(gaps: Mapping[int, float]) -> list[int]:
    """Return the numbers whose gap is larger than those of both neighbours."""
    return [n for n, gap in gaps.items() if all(gap > gaps.get(other, np.inf) for other in (n - 1, n + 1))]


def run(table: Nuclides, how_many: int, only: list[str]) -> dict[str, dict[str, dict]]:
    """Return by split and method what came out, taking what has been run before from the file."""
    kept = HERE / "nuclides.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    for split, (seed, train, held_out) in splits(table, how_many).items():
        for method in only:
            if method in results.setdefault(split, {}):
                continue
            begun = time.perf_counter()
            learnt = METHODS[method](table.rows(train), table.X[held_out], seed)
            errors = {name: _rmse(values, table.y[held_out]) for name, values in learnt.predicted.items()}
            results[split][method] = {"rmse": errors, "seconds": time.perf_counter() - begun}
            if learnt.formula:
                results[split][method] |= {"formula": learnt.formula, "operations": learnt.operations}
            kept.write_text(json.dumps(results, indent=1))
            print(split, method, results[split][method], flush=True)
    return results


def _rmse(predicted: np.ndarray, measured: np.ndarray) -> float:
    return float(np.sqrt(np.mean((predicted - measured) ** 2)))


def summary(results: Mapping[str, Mapping[str, Mapping]]) -> list[list[str]]:
    """Return a row for each model: errors over the random splits, of the outermost isotopes, and seconds."""
    rows: dict[str, dict[str, list[float]]] = {}
    for split, methods in results.items():
        kind = "random" if split.startswith("random") else "outer"
        for outcome in methods.values():
            for name, error in outcome["rmse"].items():
                row = rows.setdefault("one network" if name.startswith("network ") else name, {})
                row.setdefault(kind, []).append(error)
                row.setdefault("seconds", []).append(outcome["seconds"])
    return [
        [name, _range(row.get("random", [])), _range(row.get("outer", [])), f"{np.median(row['seconds']):.0f}"]
        for name, row in sorted(rows.items(), key=lambda item: np.median(item[1].get("random", [np.inf])))
    ]


def formulas(results: Mapping[str, Mapping[str, Mapping]]) -> list[list[str]]:
    """Return a row for each formula: its split, operations, error, and itself."""
    found = {split: methods["formula"] for split, methods in results.items() if "formula" in methods}
    return [
        [split, str(its["operations"]), f"{its['rmse']['formula']:.2f}", f"`{its['formula']}`"]
        for split, its in found.items()
    ]


def _range(errors: list[float]) -> str:
    if not errors:
        return "–"
    middle = f"{np.median(errors):.2f}"
    return middle if len(errors) == 1 else f"{middle} ({min(errors):.2f} to {max(errors):.2f})"


def draw(table: Nuclides) -> list[str]:
    """Draw residuals and gaps of networks fitted to the first split; return sentences on what is to be seen."""
    seed, train, held_out = splits(table, 1)["random fifth 0"]
    fitted = table.rows(train)
    found = fit_ensemble(fitted.X, fitted.y, sigma=fitted.sigma, members=MEMBERS, seed=10 * seed)
    predicted = found.predict(table.X)
    draw_residuals(table, predicted, held_out)
    gaps = {
        name: (two_nucleon_gaps(table.X, table.y, column), two_nucleon_gaps(table.X, predicted, column))
        for column, name in enumerate("ZN")
    }
    draw_gaps(gaps)
    return [
        f"{name}: the median's gaps have local maxima at "
        + ", ".join(f"{n}" for n in MAGIC[name] if n in local_maxima(of_networks))
        + f" (of {', '.join(map(str, MAGIC[name]))}); its largest are those of "
        + ", ".join(str(n) for n in sorted(local_maxima(of_networks), key=lambda n: -of_networks[n])[:4])
        + ", the measured ones "
        + ", ".join(str(n) for n in sorted(local_maxima(measured), key=lambda n: -measured[n])[:4])
        + "."
        for name, (measured, of_networks) in gaps.items()
    ]


def draw_residuals(table: Nuclides, predicted: np.ndarray, held_out: np.ndarray) -> None:
    """Draw the chart of nuclides: grey what was learnt from, in colour predicted minus measured of the others."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(10, 6.2), layout="constrained")
    Z, N = table.X.T
    axes.scatter(N, Z, s=9, marker="s", color="0.88", linewidths=0)
    residuals = (predicted - table.y)[held_out]
    colours = axes.scatter(
        N[held_out], Z[held_out], c=residuals, s=11, marker="s", cmap="RdBu_r", vmin=-1, vmax=1, linewidths=0
    )
    _mark_shells(axes)
    figure.colorbar(colours, label="predicted − measured / MeV", extend="both", shrink=0.8)
    inside = np.mean(np.abs(residuals) < 0.3)
    rmse = np.sqrt(np.mean(residuals**2))
    axes.set_title(
        f"Median of {MEMBERS} networks on {len(residuals)} held-out nuclides: "
        f"RMSE {rmse:.2f} MeV, {inside:.0%} within 0.3 MeV"
    )
    axes.set(xlabel="neutrons N", ylabel="protons Z", xlim=(0, 165), ylim=(0, 115), aspect="equal")
    axes.text(120, 12, "grey: learnt from\ncolour: held out\nlines: closed shells", color="0.4")
    figure.savefig(HERE / "nuclides_residuals.png", dpi=130)
    plt.close(figure)


def _mark_shells(axes) -> None:
    for n in MAGIC["N"]:
        axes.axvline(n, color="0.5", lw=0.6, ls=":")
    for z in MAGIC["Z"]:
        axes.axhline(z, color="0.5", lw=0.6, ls=":")


def draw_gaps(gaps: Mapping[str, tuple[Mapping[int, float], Mapping[int, float]]]) -> None:
    """Draw the gaps of the table and of the networks, one panel for protons, one for neutrons."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(2, 1, figsize=(9, 6.6), layout="constrained")
    words = {"N": "neutrons", "Z": "protons"}
    for axes, name in zip(panels, ("N", "Z"), strict=True):
        measured, of_networks = gaps[name]
        axes.plot(list(measured), list(measured.values()), "o", color="0.6", ms=3.5, label="measured")
        axes.plot(list(of_networks), list(of_networks.values()), "-", color="#c23b22", lw=1.3, label="networks")
        top = max(max(measured.values()), max(of_networks.values()))
        for n in MAGIC[name]:
            axes.axvline(n, color="0.5", lw=0.6, ls=":")
            axes.text(n, 1.04 * top, str(n), ha="center", va="bottom", fontsize=9)
        axes.set(xlabel=f"{words[name]} {name}", ylabel="two-nucleon gap / MeV", ylim=(0, 1.17 * top))
        axes.legend(frameon=False, loc="upper right")
    figure.suptitle("2B(n) − B(n+2) − B(n−2), averaged over measured nuclides: closed shells stand out")
    figure.savefig(HERE / "nuclides_gaps.png", dpi=130)
    plt.close(figure)


def main() -> None:
    from _machine import table as markdown
    from _machine import write_results

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=5, help="random splits; default %(default)s")
    parser.add_argument("--only", default=",".join(METHODS), help="methods to run; default %(default)s")
    options = parser.parse_args()
    nuclides = load()
    results = run(nuclides, options.splits, options.only.split(","))
    header = ["model", "random fifth", "outermost isotopes", "seconds"]
    explanation = f"""
Held-out RMSE in MeV, median (range); all models see Z, N and the energies of the same rows, networks and formulas the
energies' errors too. {options.splits} random fifths; "outermost isotopes" holds out the three lightest and the three
heaviest isotopes of every element with nine or more. "One network" counts every member of every ensemble ({MEMBERS} a
split); seconds are those of the whole ensemble, two processes side by side.
"""
    pictures = "![residuals](nuclides_residuals.png)\n\n![gaps](nuclides_gaps.png)"
    laws = markdown(("split", "operations", "held-out RMSE", "formula"), formulas(results))
    sections = [markdown(header, summary(results)), "\n".join(draw(nuclides)), pictures, laws]
    write_results(HERE / "nuclides.md", "Nuclear binding energies", explanation, sections)


if __name__ == "__main__":
    main()
