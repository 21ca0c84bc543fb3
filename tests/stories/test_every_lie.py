"""Each lie that the sandbox operator can tell has a story."""

import importlib

from emsp.sandbox.cpo import lies
from tests.stories.lies import STORIES

FILES = ("charge_points", "objects", "money", "transport")


def test_that_each_lie_has_a_story() -> None:
    for file in FILES:
        importlib.import_module(f"tests.stories.test_lies_of_{file}")

    assert set(STORIES) == set(lies.NAMES)
