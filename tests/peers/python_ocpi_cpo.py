"""A Charge Point Operator that speaks OCPI through the library python-ocpi, with its models and all its habits.

    python python_ocpi_cpo.py 2.2.1 STATIONS TOKEN_A

Run with the peers' own environment; address and party come from OCPI_HOST, COUNTRY_CODE and PARTY_ID. Beside OCPI it
answers POST /register (begin the handshake itself) and GET /books (what a test looks into). The library is of 2.2: its
lists of versions and of endpoints, which 2.2.1 gives another form and other roles, are ours.
"""

from __future__ import annotations

import logging
import os
import secrets
import sys
import threading
import time
from typing import Any

import requests
from flask import Flask, Response, jsonify, request
from flask_restx import marshal
from ocpi import createOcpiBlueprint
from ocpi.managers import (
    CdrManager,
    CommandsManager,
    CredentialsManager,
    LocationManager,
    SessionManager,
    TariffsManager,
    TokensManager,
    createOcpiHeader,
)
from ocpi.models.cdrs import Cdr
from ocpi.models.commands import CommandResult
from ocpi.models.location import Location
from ocpi.models.sessions import Session
from operator_books import LAST_STEP, Body, Operator, now

STEP_S = 0.4
ROLES = {
    "credentials": "RECEIVER",
    "locations": "SENDER",
    "tariffs": "SENDER",
    "sessions": "SENDER",
    "cdrs": "SENDER",
    "tokens": "RECEIVER",
    "commands": "RECEIVER",
}

version, stations, token_a = sys.argv[1:]
host = os.environ["OCPI_HOST"]
base_url = f"http://{host}/ocpi"
party = {"country_code": os.environ["COUNTRY_CODE"], "party_id": os.environ["PARTY_ID"]}
operator = Operator(version, **party, stations=int(stations))
seen: list[list[Any]] = []
errors: list[str] = []


class Complaints(logging.Handler):
    """What the library only writes to its log is told in the books."""

    def emit(self, record: logging.LogRecord) -> None:
        errors.append(self.format(record))


class Credentials(CredentialsManager):
    """Who may call, and whom we call: the library leaves both to its user."""

    def __init__(self, roles: list[Body], url: str) -> None:
        super().__init__(roles, url)
        self.tokens = {token_a}
        self.partner: Body = {}

    def isAuthenticated(self, token: str) -> bool:
        return token in self.tokens

    def _updateToken(self, token: str, client_url: str, client_token: str, endpoint_list: Any = None) -> None:
        offered = requests.get(client_url, headers=createOcpiHeader(client_token), timeout=10).json()["data"]
        details_url = next(one["url"] for one in offered if one["version"] == version)
        found = requests.get(details_url, headers=createOcpiHeader(client_token), timeout=10).json()["data"]
        urls = {one["identifier"]: one["url"] for one in found["endpoints"]}
        self.tokens.add(token)
        self.partner.update(token=client_token, urls=urls, url=client_url)

    def _getEndpoints(self, client_url: str, client_version: str = version) -> list[Body]:
        """The library asks without a token and for 2.2; `_updateToken` does it instead."""
        return []

    def _deleteToken(self, token: str) -> None:
        self.tokens.discard(token)

    def push(self, module: str, method: str, thing: Body, *, with_path: bool = True) -> None:
        self._pushObjects([thing], method, self.partner["token"], self.partner["urls"][module], with_path)

    def begin(self, url: str, token: str) -> None:
        """Register at a partner; the library takes the address of its OCPI without `/versions`."""
        mine = secrets.token_hex(16)
        self.tokens = {mine}
        theirs = self._sendRegisterResponse(url.removesuffix("/versions"), version, mine, token)
        self._updateToken(mine, url, theirs)


class Locations(LocationManager):
    def getLocations(self, begin: Any, end: Any, offset: int, limit: int) -> tuple[list[Body], Body]:
        return [*operator.locations.values()][offset : offset + limit], {"X-Total-Count": stations}


class Commands(CommandsManager):
    """START_SESSION and STOP_SESSION, answered at once and done in a thread."""

    def startSession(self, order: Body, token: str) -> Body:
        operator.commands.append(["START_SESSION", order])
        threading.Thread(target=charge, args=(order,), daemon=True).start()
        return {"result": "ACCEPTED", "timeout": 30, "message": "on its way"}

    def stopSession(self, order: Body, token: str) -> Body:
        operator.commands.append(["STOP_SESSION", order])
        known = order["session_id"].lower() in operator.sessions
        if known:
            threading.Thread(target=stop, args=(order,), daemon=True).start()
        return {"result": "ACCEPTED" if known else "UNKNOWN_SESSION", "timeout": 30, "message": "on its way"}


def charge(order: Body) -> None:
    """A charge from its start command to its record."""
    answer(order)
    time.sleep(STEP_S)
    session = operator.begin(order)
    tell_status(session)
    credentials.push("sessions", "PUT", marshal(session, Session))
    number = 0
    while session["id"].lower() not in operator.stopped and number < LAST_STEP:
        time.sleep(STEP_S)
        number += 1
        patch(session, operator.step(session, number))
    patch(session, operator.end(session, number))
    tell_status(session)
    credentials.push("cdrs", "POST", marshal(operator.bill(session, number), Cdr), with_path=False)


def stop(order: Body) -> None:
    answer(order)
    operator.stopped.add(order["session_id"].lower())


def answer(order: Body) -> None:
    """The asynchronous result, for which the library has a model only."""
    result = marshal({"result": "ACCEPTED", "message": []}, CommandResult)
    headers = createOcpiHeader(credentials.partner["token"])
    requests.post(order["response_url"], json=result, headers=headers, timeout=10).raise_for_status()


def tell_status(session: Body) -> None:
    location = operator.locations[session["location_id"].lower()]
    credentials.push("locations", "PUT", marshal(location, Location))


def patch(session: Body, changed: Body) -> None:
    """The library finds the path in the object itself; its model of a session says `kWh`, which nobody reads."""
    credentials.push("sessions", "PATCH", party | {"id": session["id"]} | changed)


def kind_of(header: str) -> str:
    """Which of our tokens a request showed."""
    for token in (token_a, *credentials.tokens):
        if header in (f"Token {token}", createOcpiHeader(token)["Authorization"]):
            return "A" if token == token_a else "C"
    return "unknown"


app = Flask(__name__)
business = {"business_details": {"name": f"pyOCPI {version}"}}
credentials = Credentials([party | business | {"role": "CPO"}], f"{base_url}/versions")
sessions, cdrs, tariffs = SessionManager(), CdrManager(), TariffsManager()
sessions.sessions, cdrs.cdrs, tariffs.tariffs = operator.sessions, operator.cdrs, operator.tariffs
logging.getLogger("ocpi").addHandler(complaints := Complaints(logging.WARNING))
complaints.setFormatter(logging.Formatter("%(message)s"))


def enveloped(data: Any) -> Response:
    return jsonify({"data": data, "status_code": 1000, "timestamp": now()})


@app.get("/ocpi/versions")
def versions() -> Response:
    return enveloped([{"version": version, "url": f"{base_url}/{version}"}])


@app.get(f"/ocpi/{version}")
def details() -> Response:
    found = [{"identifier": name, "role": role, "url": f"{base_url}/{version}/{name}"} for name, role in ROLES.items()]
    return enveloped({"version": version, "endpoints": found})


@app.get("/books")
def books() -> Response:
    return jsonify(operator.books() | {"requests": seen, "pushes": [], "errors": errors})


@app.post("/register")
def register() -> Response:
    wish = request.get_json()
    credentials.begin(wish["versions_url"], wish["token"])
    return jsonify({"http_status": 200, "status_code": 1000})


@app.before_request
def shown() -> None:
    request.environ["peer.kind"] = kind_of(request.headers.get("Authorization", ""))


@app.after_request
def noted(given: Response) -> Response:
    if request.path.startswith("/ocpi"):
        seen.append([request.method, request.path, request.environ["peer.kind"], given.status_code])
    return given


managers = {
    "credentials": credentials,
    "locations": Locations(),
    "tariffs": tariffs,
    "sessions": sessions,
    "cdrs": cdrs,
    "tokens": TokensManager(),
    "commands": Commands(),
}
modules = {name: {"role": ROLES[name], "object": manager} for name, manager in managers.items()}
modules["commands"]["role"] = "SENDER"  # the library's name for the side that takes commands
app.register_blueprint(createOcpiBlueprint(base_url, modules, version))
app.run(host="127.0.0.1", port=int(host.rpartition(":")[2]))
