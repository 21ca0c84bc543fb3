"""What documents cost, and that what costs too much is not run."""

from typing import Any

import pytest
from graphql import parse

from emsp.graphql.execution.documents import Document
from emsp.graphql.execution.limits import COST_MAX
from emsp.graphql.schema import make_schema
from tests.graphql.conftest import Api, Town

SCHEMA = make_schema(introspection=True)
BOX = "where: {box: {west: 5, south: 52, east: 5.2, north: 52.2}}"


def _cost(document: str, **variables: Any) -> int:
    operation = Document(SCHEMA, parse(document)).operation(None)
    assert operation is not None
    return operation.cost(variables)


@pytest.mark.parametrize(
    ("document", "variables", "cost"),
    [
        ("{ __typename }", {}, 1),
        ("{ brand { name } }", {}, 2),
        (f"{{ stations({BOX}) {{ nodes {{ id }} }} }}", {}, 22),
        (f"{{ stations({BOX}, first: 100) {{ nodes {{ id }} }} }}", {}, 102),
        (f"query ($n: Int) {{ stations({BOX}, first: $n) {{ nodes {{ id }} }} }}", {"n": 50}, 52),
        (f"query ($n: Int = 7) {{ stations({BOX}, first: $n) {{ nodes {{ id }} }} }}", {}, 9),
        (f"query ($n: Int) {{ stations({BOX}, first: $n) {{ nodes {{ id }} }} }}", {"n": -5}, 102),
        (f"{{ stations({BOX}, first: 10) {{ edges {{ node {{ evses {{ id }} }} }} }} }}", {}, 52),
        (f"{{ stations({BOX}, first: 10) {{ ...F }} }} fragment F on StationConnection {{ nodes {{ id }} }}", {}, 12),
        ('{ nodes(ids: ["a", "b"]) { id ... on Station { evses { id } } } }', {}, 9),
    ],
)
def test_that_every_object_that_may_be_answered_counts_one(document: str, variables: Any, cost: int) -> None:
    assert _cost(document, **variables) == cost


async def test_that_the_cost_is_in_the_answer_and_too_much_is_refused(api: Api, town: Town) -> None:
    many = "tariff { elements { components { dimension } } }"
    document = f"query ($n: Int) {{ stations({BOX}, first: $n) {{ nodes {{ evses {{ connectors {{ {many} evse {{"
    document += f" connectors {{ {many} }} }} }} }} }} }} }}"

    for _ in range(2):
        fine = (await api.post(document, n=2)).json()
        assert (fine["extensions"], len(fine["data"]["stations"]["nodes"])) == ({"cost": 1_036}, 1)
        refused = (await api.post(document, n=100)).json()
        assert refused["data"] is None
        assert refused["errors"][0]["extensions"]["code"] == "INVALID_INPUT"
        assert refused["errors"][0]["message"].endswith(f"at most {COST_MAX} is answered: ask for fewer items at once.")
