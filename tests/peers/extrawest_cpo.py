"""A Charge Point Operator that speaks OCPI through the library extrawest-ocpi, with its schemas and all its habits.

    python extrawest_cpo.py VERSION STATIONS TOKEN_A

Run with the peers' own environment; the library takes address and party from OCPI_HOST, COUNTRY_CODE and PARTY_ID.
Beside OCPI it answers POST /register (begin the handshake itself) and GET /books (what a test looks into).
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import sys
import traceback
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import uvicorn
from fastapi import Request, Response
from operator_books import LAST_STEP, Body, Operator
from py_ocpi import get_application
from py_ocpi.core.adapter import BaseAdapter
from py_ocpi.core.authentication.authenticator import Authenticator
from py_ocpi.core.config import settings
from py_ocpi.core.endpoints import ENDPOINTS
from py_ocpi.core.endpoints.v_2_1_1.utils import cpo_generator as endpoints_2_1_1
from py_ocpi.core.endpoints.v_2_2_1.utils import cpo_generator as endpoints_2_2_1
from py_ocpi.core.enums import Action, ModuleID, RoleEnum
from py_ocpi.core.push import push_object
from py_ocpi.core.schemas import Push, Receiver
from py_ocpi.core.utils import get_module_model
from py_ocpi.modules.versions.enums import VersionNumber
from py_ocpi.modules.versions.v_2_2_1.schemas import InterfaceRole

STEP_S = 0.4
MODULES = ("locations", "tariffs", "sessions", "cdrs", "tokens", "commands", "credentials")

version, stations, token_a = VersionNumber(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
party = {"country_code": settings.COUNTRY_CODE, "party_id": settings.PARTY_ID}
operator = Operator(version.value, **party, stations=stations)
base_url = f"{settings.PROTOCOL}://{settings.OCPI_HOST}"
running: set[asyncio.Task[None]] = set()


@dataclass
class Partnership:
    """What both sides agreed on, and what went over the wire since."""

    tokens_a: list[str]
    token_c: str = ""
    theirs: Body = field(default_factory=dict)
    details_url: str = ""
    endpoints: list[Body] = field(default_factory=list)
    requests: list[list[Any]] = field(default_factory=list)
    pushes: list[list[Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


partnership = Partnership([token_a])


class Tokens(Authenticator):
    """Who may call."""

    @classmethod
    async def get_valid_token_a(cls) -> list[str]:
        return partnership.tokens_a

    @classmethod
    async def get_valid_token_c(cls) -> list[str]:
        return [partnership.token_c] if partnership.token_c else []


class Crud:
    """What the library asks of the one who uses it: the operator's books behind its routes."""

    @classmethod
    async def get(cls, module: ModuleID, role: RoleEnum, id: Any, *args: Any, **more: Any) -> Any:
        if module == ModuleID.commands:
            return {"result": "ACCEPTED"}
        if module == ModuleID.credentials_and_registration:
            return credentials(partnership.token_c)
        return shelf(module).get(str(id).lower())

    @classmethod
    async def list(cls, module: ModuleID, role: RoleEnum, filters: Body, *args: Any, **more: Any) -> Any:
        since = filters["date_from"] or datetime.min.replace(tzinfo=UTC)
        found = [one for one in shelf(module).values() if datetime.fromisoformat(one["last_updated"]) >= since]
        end = filters["offset"] + filters["limit"]
        return found[filters["offset"] : end], len(found), end >= len(found)

    @classmethod
    async def create(cls, module: ModuleID, role: RoleEnum, data: Body, *args: Any, **more: Any) -> Any:
        partnership.token_c, partnership.tokens_a = secrets.token_hex(16), []
        await remember(data["credentials"])
        return credentials(partnership.token_c)

    @classmethod
    async def update(cls, module: ModuleID, role: RoleEnum, data: Body, id: Any, *args: Any, **more: Any) -> Any:
        return await cls.create(module, role, data)

    @classmethod
    async def do(cls, module: ModuleID, role: RoleEnum, action: Action, *args: Any, **more: Any) -> Any:
        if action == Action.get_client_token:
            return partnership.theirs["token"]
        command, order = more["command"].value, args[0]
        operator.commands.append([command, json.loads(json.dumps(order, default=str))])
        if command == "STOP_SESSION":
            known = order["session_id"].lower() in operator.sessions
            operator.stopped.add(order["session_id"].lower())
            return {"result": "ACCEPTED" if known else "UNKNOWN_SESSION", "timeout": 30}
        go(charge(order))
        return {"result": "ACCEPTED", "timeout": 30}


def shelf(module: ModuleID) -> dict[str, Body]:
    books: dict[str, Body] = getattr(operator, module.value)
    return books


def schema(name: str, module: str) -> Any:
    return get_module_model(name, module, version.name)


def credentials(token: str) -> Body:
    """Ours, with the fields of both versions; the schema of a version takes its own."""
    who = party | {"business_details": {"name": f"Extra West {version.value}"}}
    return who | {"token": token, "url": f"{base_url}/ocpi/versions", "roles": [who | {"role": "CPO"}]}


def authorization(token: str) -> dict[str, str]:
    """As the library sends it: encoded since 2.2, as it is before."""
    sent = token if version == VersionNumber.v_2_1_1 else base64.b64encode(token.encode()).decode()
    return {"Authorization": f"Token {sent}"}


async def call(method: str, url: str, token: str, body: Any = None) -> httpx.Response:
    async with httpx.AsyncClient(timeout=30) as client:
        return await client.request(method, url, json=body, headers=authorization(token))


async def remember(theirs: Body) -> None:
    """Keep a partner's credentials and where it takes what is pushed."""
    partnership.theirs = theirs
    offered = (await call("GET", theirs["url"], theirs["token"])).json()["data"]
    partnership.details_url = next(one["url"] for one in offered if one["version"] == version.value)
    found = (await call("GET", partnership.details_url, theirs["token"])).json()["data"]
    partnership.endpoints = found["endpoints"]


def endpoint(module: str) -> str:
    return next(str(one["url"]) for one in partnership.endpoints if one["identifier"] == module)


async def push(module: ModuleID, object_id: str) -> None:
    """PUT or POST, all by the library."""
    receiver = Receiver(endpoints_url=partnership.details_url, auth_token=partnership.theirs["token"])
    wish = Push(module_id=module, object_id=object_id, receivers=[receiver])
    [answer] = (await push_object(version, wish, Crud, BaseAdapter)).receiver_responses
    partnership.pushes.append(["PUSH", module.value, answer.status_code])


async def patch(session_id: str, changed: Body) -> None:
    """PATCH, which the library leaves to others, with its schema of a partial session: every other field is null."""
    fragment = json.loads(schema("SessionPartialUpdate", "sessions")(**changed).json())
    url = f"{endpoint('sessions')}{'/'.join(party.values())}/{session_id}"
    answer = await call("PATCH", url, partnership.theirs["token"], fragment)
    partnership.pushes.append(["PATCH", "sessions", answer.status_code])


async def charge(order: Body) -> None:
    """A charge from its start command to its record."""
    await asyncio.sleep(STEP_S)
    session = operator.begin(order)
    await push(ModuleID.locations, session["location_id"])
    await push(ModuleID.sessions, session["id"])
    number = 0
    while session["id"].lower() not in operator.stopped and number < LAST_STEP:
        await asyncio.sleep(STEP_S)
        number += 1
        await patch(session["id"], operator.step(session, number))
    await patch(session["id"], operator.end(session, number))
    await push(ModuleID.locations, session["location_id"])
    await push(ModuleID.cdrs, operator.bill(session, number)["id"])


def go(work: Coroutine[Any, Any, None]) -> None:
    """Do something beside the answers; a failure of it is told in the books."""

    def over(task: asyncio.Task[None]) -> None:
        running.discard(task)
        if failure := task.exception():
            partnership.errors.append("".join(traceback.format_exception(failure)))

    task = asyncio.create_task(work)
    running.add(task)
    task.add_done_callback(over)


def kind_of(header: str) -> str:
    """Which of our tokens a request showed."""
    shown = header.rpartition(" ")[2]
    for kind, tokens in (("A", [token_a]), ("C", [partnership.token_c or "-"])):
        encoded = [base64.b64encode(token.encode()).decode() for token in tokens]
        if shown in tokens or shown in encoded:
            return kind
    return "unknown"


ENDPOINTS[VersionNumber.v_2_2_1][RoleEnum.cpo][ModuleID.commands] = endpoints_2_2_1.generate_endpoint(
    ModuleID.commands, InterfaceRole.receiver
)
ENDPOINTS[VersionNumber.v_2_1_1][RoleEnum.cpo][ModuleID.commands] = endpoints_2_1_1.generate_endpoint(ModuleID.commands)
app = get_application([version], [RoleEnum.cpo], Crud, [ModuleID(name) for name in MODULES], Tokens, BaseAdapter)


@app.middleware("http")
async def noted(request: Request, call_next: Any) -> Response:
    """Every OCPI request is noted with the token that it showed and the status that it got."""
    kind = kind_of(request.headers.get("authorization", ""))
    answer: Response = await call_next(request)
    if request.url.path.startswith("/ocpi"):
        partnership.requests.append([request.method, request.url.path, kind, answer.status_code])
    return answer


@app.get("/books")
async def books() -> Body:
    wire = {"requests": partnership.requests, "pushes": partnership.pushes, "errors": partnership.errors}
    return operator.books() | wire


@app.post("/register")
async def register(request: Request) -> Body:
    """Begin the handshake with the token A and at the versions URL in the body."""
    wish = await request.json()
    partnership.token_c, partnership.tokens_a = secrets.token_hex(16), []
    await remember({"url": wish["versions_url"], "token": wish["token"]})
    mine = json.loads(schema("Credentials", "credentials")(**credentials(partnership.token_c)).json())
    answer = await call("POST", endpoint("credentials"), wish["token"], mine)
    await remember(answer.json()["data"])
    return {"http_status": answer.status_code, "status_code": answer.json()["status_code"]}


uvicorn.run(app, host="127.0.0.1", port=int(settings.OCPI_HOST.rpartition(":")[2]), log_level="warning")
