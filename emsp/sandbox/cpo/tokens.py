"""Tokens received from the eMSP. They are kept and given back; a start brings its own token anyway."""

from starlette.requests import Request

from .door import Answer, json_object
from .platform import Platform
from .wire import OcpiError


async def tokens(platform: Platform, request: Request) -> Answer:
    """GET, PUT and PATCH of tokens/{country_code}/{party_id}/{token_uid}[?type=]"""
    path, kept = request.path_params, platform.books.tokens
    kind = request.query_params.get("type", "RFID")
    key = "/".join([path["country_code"], path["party_id"], path["token_uid"], kind]).upper()
    if request.method == "PUT":
        kept[key] = await json_object(request)
        platform.store.save()
        return Answer()
    if key not in kept:
        raise OcpiError(2004, f"token {path['token_uid']} of type {kind} is not known", 404)
    if request.method == "GET":
        return Answer(kept[key])
    change = await json_object(request)
    if "last_updated" not in change:
        raise OcpiError(2001, "last_updated: required in a PATCH")
    kept[key].update(change)
    platform.store.save()
    return Answer()
