"""Networks in files."""

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from kanscience import DataError, FileError, MultKAN, OptionError, from_graph, load, save
from kanscience.functions import Function, default_library
from kanscience.graph import Graph, Term
from tests.helpers_networks import KINDS, both_dtypes, every_kind, inputs_of


@every_kind
@both_dtypes
def test_a_saved_network_returns_bit_for_bit(kind, dtype, tmp_path):
    network = KINDS[kind]().to(dtype)
    path = save(network, tmp_path / "network.safetensors")
    again = load(path)
    a, b = network.state_dict(), again.state_dict()
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)
    x = inputs_of(network, 30, reach=3)
    assert torch.equal(again(x), network(x))
    for name in ("input_names", "output_names", "constant_names", "units", "readout", "exact_constants"):
        assert getattr(again, name) == getattr(network, name)


def test_a_network_that_was_refined_and_moved_returns(tmp_path):
    network = MultKAN([2, 3, 1], seed=0)
    from kanscience.network import refine_

    network.layers[0].splines.adopt_domains_(torch.tensor([[0.0, 10.0], [2.0, 3.0]], dtype=torch.float64))
    refine_(network, [7, 4])
    again = load(save(network, tmp_path / "network"))
    x = inputs_of(network, 30, reach=12)
    assert torch.equal(again(x), network(x))
    assert again.layers[0].splines.intervals.tolist() == [7, 7]
    assert again.layers[0].splines.open.tolist() == [False, False]


def test_saving_twice_replaces_the_file_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "network.safetensors"
    save(MultKAN([1, 1], seed=0), path)
    second = MultKAN([2, 2, 1], seed=1)
    save(second, str(path))
    assert load(path).width == [2, 2, 1]
    assert [p.name for p in tmp_path.iterdir()] == ["network.safetensors"]


def test_a_file_may_be_read_by_whom_other_new_files_may(tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    assert save(MultKAN([1, 1], seed=0), tmp_path / "network").stat().st_mode == plain.stat().st_mode


def test_a_folder_in_the_files_place_is_an_error_that_leaves_nothing(tmp_path):
    (tmp_path / "network").mkdir()
    with pytest.raises(FileError, match="network"):
        save(MultKAN([1, 1], seed=0), tmp_path / "network")
    assert [path.name for path in tmp_path.iterdir()] == ["network"]


def test_own_functions_are_asked_for_by_name(tmp_path):
    own = Function("fourth", torch=_fourth, sympy=lambda u: u**4)
    library = default_library().with_functions(own)
    graph = Graph()
    total = graph.add_sum()
    graph.add_function(graph.add_input("x"), total, Term("fourth"))
    graph.add_output("f", total)
    network = from_graph(graph, library=library)
    path = save(network, tmp_path / "network")
    x = torch.tensor([[2.0]], dtype=torch.float64)
    assert load(path, library=library)(x).item() == 16
    with pytest.raises(OptionError, match=r"fourth.*library="):
        load(path)


def _fourth(u):
    return u**4


def test_a_missing_file_is_named_with_its_neighbours(tmp_path):
    save(MultKAN([1, 1], seed=0), tmp_path / "other.safetensors")
    with pytest.raises(FileError, match=r"no file '.*missing'.*other\.safetensors"):
        load(tmp_path / "missing")
    with pytest.raises(FileError, match="no file"):
        load(tmp_path / "nowhere" / "missing")
    with pytest.raises(FileError, match="no file"):
        load(tmp_path)


@pytest.mark.parametrize("keep", [0, 5, 200, -1])
def test_a_damaged_file_is_said_to_be_damaged(keep, tmp_path):
    path = save(MultKAN([1, 1], seed=0), tmp_path / "network")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FileError, match="damaged"):
        load(path)


def test_garbage_foreign_tensors_and_later_versions_are_told_apart(tmp_path):
    path = tmp_path / "network"
    path.write_bytes(np.random.default_rng(0).bytes(500))
    with pytest.raises(FileError, match="damaged or no safetensors"):
        load(path)
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(FileError, match="no network of kanscience"):
        load(path)
    save_file({"weight": torch.zeros(3)}, path, {"format": "kanscience network"})
    with pytest.raises(FileError, match="does not say its version"):
        load(path)
    save_file({"weight": torch.zeros(3)}, path, {"format": "kanscience network", "version": "99"})
    with pytest.raises(FileError, match="version 99"):
        load(path)
    save_file({"weight": torch.zeros(3)}, path, {"format": "kanscience network", "version": "1"})
    with pytest.raises(FileError, match="do not fit together"):
        load(path)


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("path", [None, "", 5])
def test_what_is_no_path_is_named(path):
    for call in (lambda: save(MultKAN([1, 1], seed=0), path), lambda: load(path)):
        with pytest.raises(FileError, match=f"`path` must be the name of a file or folder, got {path!r}"):
            call()


@pytest.mark.usefixtures("as_users_call")
def test_what_cannot_be_saved_is_named(tmp_path):
    path = tmp_path / "network"
    with pytest.raises(OptionError, match=r"`network` must be a MultKAN, got None"):
        save(None, path)
    with pytest.raises(OptionError, match=r"'float16'.*network\.double\(\)"):
        save(MultKAN([1, 1], seed=0).half(), path)
    network = MultKAN([1, 1], seed=0)
    with torch.no_grad():
        network.layers[0].splines.trained_coefficients[0, 0, 0] = torch.nan
    with pytest.raises(DataError, match=r"'layers\.0\.splines\.trained_coefficients' that are not finite"):
        save(network, path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("trained_coefficients", torch.nan, "not finite"),
        ("trained_base_weights", torch.inf, "not finite"),
        ("low", 2.0, "empty domain in layer 0"),
        ("knots", 0.0, "knots that do not increase in layer 0"),
    ],
)
def test_numbers_that_cannot_be_are_damage(name, value, says, tmp_path):
    path = save(MultKAN([2, 1], domain=(-1, 1), seed=0), tmp_path / "network")
    with safe_open(path, framework="pt") as file:
        metadata, tensors = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    tensors[f"layers.0.splines.{name}"].fill_(value)
    save_file(tensors, path, metadata)
    with pytest.raises(FileError, match=f"damaged.*{says}"):
        load(path)


def test_a_library_that_is_none_is_named(tmp_path):
    path = save(MultKAN([1, 1], seed=0), tmp_path / "network")
    with pytest.raises(OptionError, match=r"write \['sin'\], not 'sin'\.$"):
        load(path, library="sin")


def test_a_folder_that_is_not_there_is_named(tmp_path):
    (tmp_path / "a file").touch()
    for path in (tmp_path / "nowhere" / "network", tmp_path / "a file" / "network", tmp_path / ("n" * 250)):
        with pytest.raises(FileError, match=f"cannot write .*{path.name}"):
            save(MultKAN([1, 1], seed=0), path)
