"""A network stays an ordinary torch.nn.Module."""

import copy
import inspect
import pickle
import re

import jaxtyping
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from torch import nn

import kanscience
from kanscience import DataError, MultKAN, ShapeError
from kanscience._other_names import WRITTEN_HERE
from kanscience.network import FlatView, layer_masks
from kanscience.network._multkan import _FUNCTIONS_OF_NETWORKS
from kanscience.network._numbers import parameter_of
from tests.helpers import tolerance, uniform_inputs
from tests.helpers_networks import KINDS, every_kind, inputs_of, state_of


def same_state(one, other) -> bool:
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@every_kind
@pytest.mark.parametrize(
    "copy_of", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))], ids=["deepcopy", "pickle"]
)
def test_a_copy_is_the_same_and_shares_nothing(kind, copy_of):
    network = KINDS[kind]()
    x = inputs_of(network, reach=2)
    y = network(x).detach()
    twin = copy_of(network)
    assert torch.equal(twin(x), y)
    assert str(twin) == str(network)
    with torch.no_grad():
        for tensor in [*twin.parameters(), *twin.buffers()]:
            tensor.zero_()
    assert torch.equal(network(x), y)


@every_kind
def test_a_state_dict_brings_everything_into_a_network_of_another_seed(kind):
    network, other = KINDS[kind](), KINDS[kind]()
    x = inputs_of(network, reach=2)
    with torch.no_grad():
        for layer in other.layers:
            layer.splines.low -= 0.5
            layer.splines.knots[:, layer.splines.degree + 1] -= 0.01
        for parameter in other.parameters():
            parameter += 1
    other(x)  # whatever it remembers must be forgotten
    missing = other.load_state_dict(network.state_dict())
    assert not missing.missing_keys
    assert not missing.unexpected_keys
    assert torch.equal(other(x), network(x))


def test_seeds_make_networks():
    one, same, other = (MultKAN([2, (2, 1), 1], seed=seed) for seed in (0, 0, 1))
    assert same_state(one, same)
    assert not same_state(one, other)
    assert not same_state(MultKAN([2, 1]), MultKAN([2, 1]))


def test_building_leaves_the_global_generator_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    MultKAN([2, 3, 1], seed=3)
    MultKAN([2, 3, 1])
    assert torch.equal(torch.get_rng_state(), before)


@every_kind
def test_to_another_precision_and_back(kind):
    network = KINDS[kind]()
    x = inputs_of(network, reach=0.9)
    y = network(x).detach()
    network.to(torch.float32)
    assert network.dtype == torch.float32
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    close = tolerance(torch.float32, 20)
    close["atol"] *= float(y.abs().max())
    if kind != "steps":  # a hidden value on a step may fall on its other side
        torch.testing.assert_close(network(x.float()).double(), y, **close)
        torch.testing.assert_close(network.double()(x), y, **close)


@every_kind
def test_the_meta_device_holds_shapes(kind):
    network = KINDS[kind]().to("meta")
    assert network.device.type == "meta"
    assert all(p.is_meta for p in network.parameters())


@every_kind
def test_frozen_as_a_whole_it_asks_for_no_gradient(kind):
    network = KINDS[kind]().requires_grad_(False)
    x = inputs_of(network)
    assert not network(x).requires_grad
    assert network(x.requires_grad_()).requires_grad
    assert not any(p.requires_grad for p in copy.deepcopy(network).parameters())


@every_kind
def test_trainable_numbers_are_counted_once(kind):
    network = KINDS[kind]()
    masks = [mask for layer in network.layers for mask in layer_masks(layer).values()]
    count = sum(int(mask.sum()) for mask in masks) + int(network.constants_trainable.sum())
    assert FlatView(network).size == count == len(FlatView(network).read())
    assert f" {count} trainable numbers" in str(network)


@every_kind
def test_the_flat_view_reads_what_it_writes_and_nothing_else_changes(kind):
    network = KINDS[kind]()
    view, before = FlatView(network), state_of(network)
    numbers = view.read()
    view.write_(2 * numbers + 1)
    assert torch.equal(view.read(), 2 * numbers + 1)
    view.write_(numbers)
    after = network.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)


OPTIMISERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum and decay": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "adam": lambda p: torch.optim.Adam(p, lr=0.1),
    "adam with decay": lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.5, weight_decay=0.1),
    "lbfgs": lambda p: torch.optim.LBFGS(p, max_iter=5, line_search_fn="strong_wolfe"),
}


@pytest.mark.parametrize("optimiser", OPTIMISERS.values(), ids=OPTIMISERS)
@pytest.mark.parametrize("kind", ["mixed", "symbolic", "products"])
def test_no_optimiser_changes_what_is_off_frozen_or_padding(kind, optimiser):
    network = KINDS[kind]()
    x = inputs_of(network, 50)
    target = torch.sin(3 * x[:, :1])
    steps = optimiser(list(network.parameters()))
    held, free = frozen_numbers(network), FlatView(network).read()
    off = [(parameter, ~mask, parameter.detach().clone()) for parameter, mask in numbers_and_masks(network)]

    def loss():
        steps.zero_grad()
        value = (network(x) - target).square().mean()
        value.backward()
        return value

    for _ in range(4):
        steps.step(loss)
    assert not torch.equal(FlatView(network).read(), free)
    for name, value in frozen_numbers(network).items():
        assert torch.equal(value, held[name]), name
    for parameter, mask, before in off:
        assert torch.equal(parameter[mask], before[mask])
        assert not parameter[mask].any()


def numbers_and_masks(network):
    for layer in network.layers:
        for name, mask in layer_masks(layer).items():
            yield parameter_of(layer, name), mask
    yield parameter_of(network, "constants"), network.constants_trainable


def frozen_numbers(network):
    found = {"constants": network.constants.detach()[~network.constants_trainable]}
    for depth, layer in enumerate(network.layers):
        for name, mask in layer_masks(layer).items():
            module, _, leaf = name.rpartition(".")
            numbers = getattr(layer.get_submodule(module), leaf).detach()
            if not name.endswith("base_weights") or layer.splines.base != "zero":
                found[f"{depth}.{name}"] = numbers[~mask]
    return found


def test_inside_a_larger_network_it_learns_with_the_rest():
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        whole = nn.Sequential(
            nn.Linear(3, 2), nn.Tanh(), MultKAN([2, 2, 1], domain=(-1, 1), seed=0, dtype=torch.float32)
        )
    x = torch.rand(100, 3, generator=generator)
    target = torch.sin(x.sum(dim=1, keepdim=True))
    optimiser = torch.optim.Adam(whole.parameters(), lr=0.02)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = (whole(x) - target).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert whole[0].weight.grad is not None
    assert whole[0].weight.grad.abs().min() > 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")  # dynamo's own
def test_compiled_it_gives_the_same_values_and_gradients(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # its checks cannot be traced
    network = MultKAN([2, (1, 1), 1], seed=0)
    compiled = torch.compile(copy.deepcopy(network), backend="eager")
    for reach in (1, 3):
        x = inputs_of(network, 5, seed=reach, reach=reach)
        torch.testing.assert_close(compiled(x), network(x), rtol=1e-12, atol=1e-12)
    compiled(x).sum().backward()
    network(x).sum().backward()
    for (name, one), other in zip(network.named_parameters(), compiled.parameters(), strict=True):
        if one.grad is not None:
            torch.testing.assert_close(other.grad, one.grad, rtol=1e-11, atol=1e-11, msg=name)


def test_a_network_predicts_from_what_users_hold():
    import numpy as np
    import pandas as pd

    network = MultKAN([2, 3, 1], seed=0)
    x = uniform_inputs(5, 2, seed=0)
    y = network.predict(x)
    assert isinstance(y, np.ndarray)
    assert y.shape == (5,)
    np.testing.assert_array_equal(network.predict(x.numpy()), y)
    np.testing.assert_array_equal(network.predict(x.tolist()), y)
    frame = pd.DataFrame(x.numpy(), columns=["x1", "x2"])
    np.testing.assert_array_equal(network.predict(frame[["x2", "x1"]].assign(z="text")), y)  # found by name
    np.testing.assert_array_equal(network.predict(frame.rename(columns={"x1": "a", "x2": "b"})), y)  # as they stand
    assert MultKAN([2, 3], seed=0).predict(x).shape == (5, 3)


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (torch.zeros(3, 2, dtype=torch.complex128), "`x` holds complex numbers"),
        (torch.zeros(3, 2).to_sparse(), r"`x` is a sparse tensor. Pass `x\.to_dense\(\)`"),
    ],
)
def test_tensors_of_another_kind_are_named(x, says):
    with pytest.raises(DataError, match=says):
        MultKAN([2, 1], seed=0)(x)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pl.LazyFrame])
def test_frames_of_any_library_are_read_by_name(make):
    network = MultKAN([2, 1], seed=0)
    columns = {"other": [0.0, 0.0], "x2": [0.5, 0.25], "x1": [0.1, 0.2]}
    expected = network.predict(np.array([columns["x1"], columns["x2"]]).T)
    np.testing.assert_array_equal(network.predict(make(columns)), expected)
    with pytest.raises(ShapeError, match="`X` has 1 columns and the network takes 2, 'x1', 'x2'"):
        network.predict(make({"x1": [0.1]}))


def test_the_hint_for_methods_knows_every_function_that_takes_a_network_first():
    first = {
        name: next(iter(inspect.signature(function).parameters), "")
        for name in kanscience.__all__
        if inspect.isfunction(function := getattr(kanscience, name))
    }
    takes_a_network = {name for name, parameter in first.items() if parameter == "network"}
    assert takes_a_network <= _FUNCTIONS_OF_NETWORKS <= first.keys()


def test_names_of_pykan_are_told_in_ours():
    with pytest.raises(AttributeError, match=r"has no method 'auto_symbolic': write ks\.snap\(network, X, y\)"):
        MultKAN([2, 1], seed=0).auto_symbolic()
    with pytest.raises(AttributeError, match=r"no attribute 'kanpiler'\. Write ks\.compile_formula\("):
        kanscience.kanpiler  # noqa: B018
    told = {name for call in WRITTEN_HERE.values() for name in re.findall(r"ks\.(\w+)", call)}
    assert told <= set(kanscience.__all__)
    assert not WRITTEN_HERE.keys() & (set(kanscience.__all__) | set(dir(MultKAN)))
