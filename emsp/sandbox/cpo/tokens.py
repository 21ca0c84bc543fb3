"""Tokens received from the eMSP. They are kept and given back; a start brings its own token anyway."""

from typing import Any

from starlette.requests import Request

from . import versions
from .door import Answer, json_object
from .incoming import understood
from .platform import Platform
from .wire import OcpiError

TYPES = {
    "2.1.1": ("RFID", "OTHER"),
    "2.2.1": ("RFID", "OTHER", "APP_USER", "AD_HOC_USER"),
    "2.3.0": ("RFID", "OTHER", "APP_USER", "AD_HOC_USER", "EMAID"),
}


async def tokens(platform: Platform, request: Request) -> Answer:
    """GET, PUT and PATCH of tokens/{country_code}/{party_id}/{token_uid}[?type=]"""
    path, kept = request.path_params, platform.books.tokens
    kind = request.query_params.get("type", "RFID")
    key = "/".join([path["country_code"], path["party_id"], path["token_uid"], kind]).upper()
    if request.method == "PUT":
        kept[key] = understood(platform, "token", await _token(platform, request))
        platform.store.save()
        return Answer()
    if key not in kept:
        code = 2001 if platform.version == "2.1.1" else 2004
        raise OcpiError(code, f"token {path['token_uid']} of type {kind} is not known", 404)
    if request.method == "GET":
        return Answer(versions.spoken(platform.version, "token", kept[key]))
    change = await _token(platform, request)
    if "last_updated" not in change and platform.version != "2.1.1":
        raise OcpiError(2001, "last_updated: required in a PATCH")
    kept[key].update(versions.understood(platform.version, "token", change))
    platform.store.save()
    return Answer()


async def _token(platform: Platform, request: Request) -> dict[str, Any]:
    """The Token or a fragment of it. Raises OcpiError 2001 for a type that its version does not have."""
    body = await json_object(request)
    known = TYPES[platform.version]
    if body.get("type", "RFID") not in known:
        raise OcpiError(2001, f"type: {body['type']!r} is not one of {', '.join(known)}")
    return body
