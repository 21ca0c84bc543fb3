"""The credentials endpoint (chapter Credentials, receiver side): a partner registers, changes or leaves."""

from __future__ import annotations

from emsp import vault
from emsp.db.engine import transaction
from emsp.errors import PartnerFailed
from emsp.ocpi import ours
from emsp.ocpi.connections import REGISTERED
from emsp.ocpi.door import Call, Given
from emsp.ocpi.errors import OcpiError, Status
from emsp.ocpi.join import handshake
from emsp.ocpi.join.discovery import NoCommonVersion, discover, missing


async def credentials(call: Call) -> Given:
    """GET, POST, PUT and DELETE of credentials; POST only before and PUT and DELETE only after registration."""
    registered = call.connection.state == REGISTERED
    match call.method:
        case "GET":
            async with transaction() as db:
                return Given(data=await ours.credentials(db, call.token, call.version))
        case "POST" if not registered:
            return await _register(call)
        case "PUT" if registered:
            return await _register(call)
        case "DELETE" if registered:
            async with transaction() as db:
                await handshake.forget(db, call.connection.id)
            return Given()
    state = "already" if registered else "not yet"
    raise OcpiError(Status.CLIENT_ERROR, f"{call.method} credentials: you are {state} registered here", 405)


async def _register(call: Call) -> Given:
    """Calls the partner back with the token that it sends, stores what it offers, and hands out a new token."""
    theirs = handshake.credentials_of(call.version, call.json_object())
    try:
        platform = await discover(theirs.url, theirs.token, version=call.version)
    except NoCommonVersion as error:
        raise OcpiError(Status.UNSUPPORTED_VERSION, str(error)) from error
    except PartnerFailed as error:
        raise OcpiError(Status.CLIENT_API_UNUSABLE, str(error)) from error
    if lacking := missing(platform):
        raise OcpiError(Status.NO_MATCHING_ENDPOINTS, f"{theirs.url} lacks {', '.join(lacking)}")
    token_c = vault.new_token()
    await handshake.complete(call.connection.id, platform, theirs, token_c)
    async with transaction() as db:
        return Given(data=await ours.credentials(db, token_c, call.version))
