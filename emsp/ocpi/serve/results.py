"""Results of commands (chapter Commands): what partners post to our response_urls."""

from __future__ import annotations

from emsp.db.engine import transaction
from emsp.ocpi.door import Call, Given
from emsp.ocpi.errors import OcpiError, Status
from emsp.ocpi.send.asking import outcome_of, text_of
from emsp.ocpi.send.commands import take_result


async def post(call: Call) -> Given:
    """POST commands/{command}/{secret}; only the partner that the command went to may say how it ended."""
    match call.path:
        case [_, _, _, secret]:
            outcome = outcome_of(call.json())
        case _:
            raise OcpiError(Status.CLIENT_ERROR, "this is not a response_url of ours", 404)
    async with transaction() as db:
        await take_result(db, call.connection, secret, outcome.result, text_of(outcome))
    return Given()
