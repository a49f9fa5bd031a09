"""Networks in files: one safetensors file, its graph as JSON beside the tensors, no pickle."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from kanscience._checks import check_path, did_you_mean, listed
from kanscience._errors import DataError, FileError, GraphError, OptionError
from kanscience.functions import as_library
from kanscience.graph import Graph, SplineTerm, from_json, to_json
from kanscience.network._convert import from_graph, to_graph

if TYPE_CHECKING:
    from kanscience.functions import Library
    from kanscience.network._multkan import MultKAN

_FORMAT, _VERSION = "kanscience network", "1"
_DTYPES = {"float64": torch.float64, "float32": torch.float32}


def save(network: MultKAN, path: str | os.PathLike[str]) -> Path:
    """Write a network to a file, whole or not at all (a temporary file is renamed at the end).

    Args:
        network: with all its options, names and units.
        path: of the file; its folder must exist. ``.safetensors`` is the usual ending.

    Returns:
        The path.

    Raises:
        FileError: the folder does not exist or cannot be written.
        OptionError, DataError: the network is of half precision, or holds numbers that are not finite.

    Example:
        >>> import kanscience as ks, tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = ks.save(ks.MultKAN([2, 3, 1], seed=0), pathlib.Path(folder) / "network.safetensors")
        ...     print(ks.load(path))
        MultKAN [2, 3, 1]: 9 spline edges, 0 symbolic terms, 81 trainable numbers
    """
    from safetensors.torch import save as to_bytes

    path = check_path(path)
    if path.is_dir():
        raise FileError(f"{str(path)!r} is a folder. Name the file in it that the network is to be written to.")
    graph = _without_coefficients(to_graph(network))
    dtype = str(network.dtype).removeprefix("torch.")
    if dtype not in _DTYPES:
        raise OptionError(
            f"files hold networks in {listed(_DTYPES)}, and this one is in {dtype!r}: save network.double()."
        )
    if flaw := _flaw(network):
        raise DataError(f"the network has {flaw}, and no file was written. Fit it anew, or load an earlier one.")
    metadata = {"format": _FORMAT, "version": _VERSION, "dtype": dtype, "graph": to_json(graph)}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    data = to_bytes(tensors, metadata)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(data)
        temporary.replace(path)
    except OSError as reason:
        raise FileError(
            f"cannot write {str(path)!r}: {reason.strerror}. Make its folder first, or choose another."
        ) from None
    finally:
        with suppress(OSError):  # it has been moved, or was never there
            temporary.unlink()
    return path


def load(path: str | os.PathLike[str], *, library: Library | None = None) -> MultKAN:
    """Return the network that `save` wrote: the same outputs, bit for bit.

    Args:
        path: of the file.
        library: with the functions that the network uses beyond the default library.

    Raises:
        FileError: there is no such file, it is damaged, of another kind or of a later version.
        OptionError: the network uses a function that the library does not know.
    """
    from safetensors import SafetensorError, safe_open

    path, known = check_path(path), as_library(library)
    if not path.is_file():
        raise FileError(_no_such_file(path))
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as reason:
        raise FileError(
            f"{str(path)!r} is damaged or no safetensors file ({reason}). Write networks with ks.save."
        ) from None
    if metadata.get("format") != _FORMAT:
        raise FileError(f"{str(path)!r} holds tensors, but no network of kanscience. Write networks with ks.save.")
    if metadata.get("version") != _VERSION:
        version = metadata.get("version")
        if version is None:
            raise FileError(f"{str(path)!r} is damaged: it does not say its version.")
        raise FileError(f"{str(path)!r} is of version {version}; this kanscience reads version {_VERSION}. Update it.")
    try:
        network = from_graph(from_json(metadata["graph"]), library=known, dtype=_DTYPES[metadata["dtype"]], seed=0)
        network.load_state_dict(tensors)
    except OptionError as reason:
        raise OptionError(f"{str(path)!r}: {reason} Pass `library=` with that function.") from None
    except (GraphError, KeyError, RuntimeError) as reason:
        raise FileError(
            f"{str(path)!r} is damaged: its graph and its tensors do not fit together ({reason})."
        ) from None
    if flaw := _flaw(network):
        raise FileError(f"{str(path)!r} is damaged: its network has {flaw}.")
    return network


def _no_such_file(path: Path) -> str:
    """Return what a letter says of a missing file: the networks that lie there."""
    folder = path if path.is_dir() else path.parent
    there = sorted(p.name for p in folder.glob("*") if p.suffix in (".safetensors", ".kan")) if folder.is_dir() else []
    what = f"{str(path)!r} is a folder, no file" if path.is_dir() else f"there is no file {str(path)!r}"
    return f"{what}.{did_you_mean(path.name, there)}" + (f" In that folder: {listed(there, most=5)}." if there else "")


def _flaw(network: MultKAN) -> str | None:
    """Return what makes a network useless, or None."""
    for name, tensor in network.state_dict().items():
        padded = name.endswith(".knots")  # rows of fewer intervals end with infinite ones
        if tensor.is_floating_point() and not padded and not bool(tensor.isfinite().all()):
            return f"numbers in {name!r} that are not finite"
    for depth, layer in enumerate(network.layers):
        splines = layer.splines
        if not bool((splines.low < splines.high).all()):
            return f"an empty domain in layer {depth}"
        if not all(bool((splines.axes.row(s).diff() > 0).all()) for s in range(len(splines.intervals))):
            return f"knots that do not increase in layer {depth}"
    return None


def _without_coefficients(graph: Graph) -> Graph:
    # The tensors hold them already.
    for _, _, data in graph.edges(data=True):
        if "function" in data:
            data["function"] = tuple(
                replace(term, coefficients=None) if isinstance(term, SplineTerm) else term for term in data["function"]
            )
    return graph
