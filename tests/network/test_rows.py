"""A compiled formula is evaluated by rows; that is the same network, whatever is done with it."""

import copy
import pickle

import pytest
import torch

import kanscience as ks
from tests.helpers import assert_same_outputs, uniform_inputs

FORMULA = "k*exp(-x/tau) + sin(k*y)*abs(x - y) + 3*x*y**2"
X = uniform_inputs(30, 2, seed=0)


def network() -> ks.MultKAN:
    return ks.compile_formula(FORMULA, ["x", "y"], parameters={"k": 1.5, "tau": 2})


def by_layers(law: ks.MultKAN, x: torch.Tensor) -> torch.Tensor:
    nodes = law.sources(x)
    for layer in law.layers:
        nodes = layer(nodes)
    return law.read_out(nodes).T


def test_rows_and_layers_are_one_function():
    law = network()
    assert_same_outputs(law, lambda x: by_layers(law, x), X)


def test_changed_numbers_are_seen():
    law = network()
    before = law(X)
    with torch.no_grad():
        law.layers[-1].terms.fixed_scale.mul_(2)
        law.trained_constants.add_(0.1)
    assert not torch.equal(law(X), before)
    assert_same_outputs(law, lambda x: by_layers(law, x), X)
    law.load_state_dict(network().state_dict())
    assert torch.equal(law(X), before)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda law: pickle.loads(pickle.dumps(law))])
def test_copies_go_their_own_way(copied):
    law = network()
    law(X)
    other = copied(law)
    with torch.no_grad():
        other.layers[-1].terms.fixed_scale.zero_()
    assert torch.equal(law(X), network()(X))
    assert not torch.equal(other(X), law(X))


def test_other_precision():
    law = network()
    law(X)
    single = law.float()
    assert single(X.float()).dtype == torch.float32
    assert_same_outputs(single, lambda x: by_layers(single, x), X.float())


def test_transforms_of_numbers_and_inputs():
    law = network()
    numbers = dict(law.named_parameters()) | dict(law.named_buffers())
    three = {name: torch.stack([value] * 3) for name, value in numbers.items()}
    run = lambda its: torch.func.functional_call(law, its, (X,))  # noqa: E731
    torch.testing.assert_close(torch.func.vmap(run)(three), law(X).expand(3, -1, -1))
    rows = torch.func.vmap(lambda row: law(row[None])[0])(X)
    torch.testing.assert_close(rows, law(X))
    assert torch.equal(law(X), network()(X))  # nothing of the transforms is left


def test_gradients_reach_the_parameters_alone():
    law = network()
    law(X).sum().backward()
    gradients = {name: parameter.grad for name, parameter in law.named_parameters() if parameter.grad is not None}
    assert gradients["trained_constants"].all()
    assert not any(gradient.any() for name, gradient in gradients.items() if name != "trained_constants")


def test_many_rows_are_the_rows_one_by_one():
    law = network()
    x = uniform_inputs(200_000, 2, seed=1)
    with torch.no_grad():
        assert torch.equal(law(x)[::40_000], law(x[::40_000]))


def test_inference_mode():
    with torch.inference_mode():
        law = network()
        assert torch.equal(law(X), network()(X))


def test_trained_scales_slopes_shifts_and_biases():
    graph = ks.formula_graph("2*sin(3*x + 1)*y + 5 + exp(x*y)", ["x", "y"])
    fixed = ks.from_graph(graph)
    for _, _, data in graph.edges(data=True):
        if "function" in data:
            data["function"] = tuple(type(t)(t.function, t.arguments, t.scale, t.slope, t.shift, True)
                                     for t in data["function"])  # fmt: skip
    for node in graph.nodes_of("sum"):
        graph.nodes[node]["trainable"] = True
    free = ks.from_graph(graph)
    assert_same_outputs(free, fixed, X)
    free(X).sum().backward()
    oracle = ks.from_graph(graph)
    by_layers(oracle, X).sum().backward()
    for found, expected in zip(free.parameters(), oracle.parameters(), strict=True):
        if expected.grad is not None:
            gradient = torch.zeros_like(found) if found.grad is None else found.grad
            torch.testing.assert_close(gradient, expected.grad, rtol=1e-12, atol=1e-12)
