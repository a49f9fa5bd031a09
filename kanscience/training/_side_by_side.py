"""Who answers the questions of many courses: problems of one structure together, others one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from kanscience.training._courses import Question
from kanscience.training._objective import Regression
from kanscience.training._stack import Stack

_NUMBERS = 2**23  # features and the like that a stack holds at once: 64 MiB, of which several are alive
_STACKS = 4  # kept: the members of a loss, often fewer than those of the derivatives, change from step to step


class SideBySide:
    """Answers questions, those of stackable problems in as few stacks as memory allows."""

    def __init__(self) -> None:
        self._stacks: dict[tuple[Regression, ...], Stack] = {}

    def __call__(self, questions: Sequence[Question]) -> list[Any]:
        """Return the answers, in the order of the questions."""
        answers: list[Any] = [None] * len(questions)
        groups: dict[object, list[int]] = defaultdict(list)
        for place, question in enumerate(questions):
            structure = question.problem.structure if isinstance(question.problem, Regression) else None
            groups[place if structure is None else (structure, question.derivatives)].append(place)
        for places in groups.values():
            for some in _split(places, questions[places[0]].problem):
                found = self._answers([questions[place] for place in some])
                for place, answer in zip(some, found, strict=True):
                    answers[place] = answer
        return answers

    def _answers(self, questions: list[Question]) -> list[Any]:
        if len(questions) == 1:
            return [questions[0].answer()]
        stack = self._stack(tuple(question.problem for question in questions))  # type: ignore[arg-type]
        thetas = [question.theta for question in questions]
        return stack.normal_equations(thetas) if questions[0].derivatives else stack.losses(thetas)

    def _stack(self, problems: tuple[Regression, ...]) -> Stack:
        found = self._stacks.pop(problems, None) or Stack(problems)
        self._stacks[problems] = found
        while len(self._stacks) > _STACKS:
            del self._stacks[next(iter(self._stacks))]  # the one that nobody has asked for the longest time
        return found


def _split(places: list[int], problem: object) -> list[list[int]]:
    if len(places) == 1:
        return [places]
    assert isinstance(problem, Regression)
    widest = max(len(layer.splines.low) * layer.splines.axes.n_basis for layer in problem.network.layers)
    most = max(_NUMBERS // max(widest * len(problem.x), 1), 1)
    return [places[k : k + most] for k in range(0, len(places), most)]
