"""A workshop whose prior waits to be let on, and its visitors."""

from functools import partial

import pytest

from inverse.apps.demo import recipe
from inverse.demo.line import Line
from inverse.demo.sessions import Sessions, Workshop
from tests.demo.shared import MENU, Gate
from tests.inverse.solver_cases import tiny_prior


@pytest.fixture
def gate():
    return Gate.__new__(Gate)


@pytest.fixture
def shop(gate):
    prior = tiny_prior()
    gate.__init__(prior)
    line = Line(2)
    yield Workshop(MENU, partial(recipe, prior, "cpu"), line)
    gate.allow()
    line.close()
    gate.hook.remove()  # the prior is that of all tests


@pytest.fixture
def sessions(shop):
    every = Sessions(shop)
    yield every
    every.close()


@pytest.fixture
def session(sessions):
    return sessions.of("me")
