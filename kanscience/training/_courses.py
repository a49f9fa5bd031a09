"""Descents as courses that ask for what they need, so that many of them can be answered at once.

A course is a generator: it yields a list of questions and is sent the list of their answers; what it returns is its
result. What follows from the answers stands in the course, written once; who answers, and how many at a time, is decided
here. So a network that is fitted beside fifteen others follows the very steps that it follows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from kanscience.training._levenberg import LeastSquares


@dataclass(frozen=True, eq=False)
class Question:
    """The loss of a problem at some numbers; with ``derivatives`` loss, ``J @ J.T`` and ``J @ residuals`` there."""

    problem: LeastSquares
    theta: np.ndarray
    derivatives: bool = False

    def answer(self) -> Any:
        """Return the answer that the problem gives alone."""
        return (self.problem.normal_equations if self.derivatives else self.problem.loss)(self.theta)


Result = TypeVar("Result")
Course = Generator[list[Question], list[Any], Result]
Answerer = Callable[[Sequence[Question]], list[Any]]


def one_by_one(questions: Sequence[Question]) -> list[Any]:
    """Answer every question by itself."""
    return [question.answer() for question in questions]


def followed(course: Course[Result], answerer: Answerer = one_by_one) -> Result:
    """Follow a course to its end and return its result. Ctrl-C while a question is answered reaches the course."""
    answers: list[Any] | None = None
    trouble: BaseException | None = None
    while True:
        try:
            questions = course.throw(trouble) if trouble else course.send(answers)  # type: ignore[arg-type]
        except StopIteration as end:
            return end.value
        answers, trouble = None, None
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is looked at, and never taken
                answers = answerer(questions)
        except KeyboardInterrupt as pressed:
            trouble = pressed


def together(courses: Sequence[Course[Result]]) -> Course[list[Result]]:
    """Return the course that follows all of these side by side; its result is the list of theirs.

    Questions for a loss are passed on before those for derivatives: courses of which some had to shorten their step
    meet again at the next one.
    """
    results: list[Any] = [None] * len(courses)
    asked: dict[int, list[Question]] = {}

    def go_on(place: int, step: Callable[[], list[Question]]) -> None:
        try:
            asked[place] = step()
        except StopIteration as end:
            results[place] = end.value
            asked.pop(place, None)

    for place, course in enumerate(courses):
        go_on(place, lambda course=course: next(course))
    while asked:
        losses = [place for place, its in asked.items() if not any(question.derivatives for question in its)]
        turn = losses or list(asked)
        try:
            answers = iter((yield [question for place in turn for question in asked[place]]))
        except KeyboardInterrupt as pressed:
            for place in list(asked):
                go_on(place, lambda course=courses[place], pressed=pressed: course.throw(pressed))
            continue
        for place in turn:
            its = [next(answers) for _ in asked[place]]
            go_on(place, lambda place=place, its=its: courses[place].send(its))
    return results
