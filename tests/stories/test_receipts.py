"""A charge is paid: its receipt can be downloaded, comes by mail, and what support gives back comes as credit note."""

import asyncio
import json
import time
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from emsp.demo.app_client import AppClient
from emsp.graphql import ids
from tests.papers.reading import text_of
from tests.stories.corrections import corrected_session
from tests.stories.world import World, minor

PAPERS = """
query ($id: ID!) { chargingSession(id: $id) {
  station { name }
  receipt { id number pdfUrl total { amount } corrections { id number reason pdfUrl total { amount } } }
} }"""
PDF_URL = "query ($id: ID!) { node(id: $id) { ... on Receipt { pdfUrl } } }"
BUYER = """mutation { setBillingDetails(input: {company: "ACME & Söhne", vatId: "DE123456789"}) {
  errors { code message }
} }"""
PATIENCE_S = 60


async def papers_of(app: AppClient, session_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await app.ask(PAPERS, id=session_id))["chargingSession"]
    return found


async def mails_to(world: World, address: str, count: int, folder: Path) -> list[Any]:
    """The newest first, as soon as there are so many with a document."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        said = world.processes.run("support", "mails", "--to", address, "--save", str(folder), "--json")
        mails = [mail for mail in json.loads(said) if mail["attached"]]
        if len(mails) >= count:
            break
        assert time.monotonic() < deadline, mails
        await asyncio.sleep(0.5)
    return [message_from_bytes((folder / f"{mail['id']}.eml").read_bytes(), policy=policy.default) for mail in mails]


def download(url: str) -> bytes:
    answer = httpx.get(url).raise_for_status()
    assert answer.headers["content-type"] == "application/pdf"
    return answer.content


def attached(mail: Any) -> bytes:
    _, document = mail.iter_parts()
    assert document.get_content_type() == "application/pdf"
    return bytes(document.get_content())


async def test_that_a_receipt_is_kept_sent_and_credited(world: World, tmp_path: Path) -> None:
    address = f"{uuid4().hex[:12]}@example.com"
    app, stranger = await world.driver(email=address), await world.driver(card=None)
    assert (await app.ask(BUYER))["setBillingDetails"]["errors"] == []
    connector, quote = await world.priced_connector(app)
    before = len(world.payments())
    started = await world.start(app, quote, connectorId=connector["id"])
    settled = await world.finish(app, started["id"], energy_wh=5000)
    paid = world.payments()[before]["id"]

    found = await papers_of(app, settled["id"])
    receipt = found["receipt"]
    pdf = download(receipt["pdfUrl"])
    assert download(receipt["pdfUrl"]) == pdf
    text = text_of(pdf)
    for told in (receipt["number"], " ".join(found["station"]["name"].split()), receipt["total"]["amount"], "ACME"):
        assert told in text, told
    [mail] = await mails_to(world, address, 1, tmp_path)
    assert (mail["To"], attached(mail)) == (address, pdf)
    assert (await stranger.ask(PDF_URL, id=receipt["id"]))["node"] is None

    refund = ("support", "refund", ids.decode(settled["id"])[1], "--amount", "0.50", "--reason", "The cable was stuck.")
    [said] = json.loads(world.processes.run(*refund, "--json"))
    [again] = json.loads(world.processes.run(*refund, "--json"))
    assert (said["given_back"], again["receipt"]) == (f"0.50 {quote['total']['currency']}", said["receipt"])

    await corrected_session(app, settled["id"])
    [credit] = (await papers_of(app, settled["id"]))["receipt"]["corrections"]
    assert (credit["number"], credit["reason"], minor(credit["total"])) == (
        said["receipt"],
        "The cable was stuck.",
        -50,
    )
    newest, _ = await mails_to(world, address, 2, tmp_path)
    note = download(credit["pdfUrl"])
    assert attached(newest) == note
    assert all(told in text_of(note) for told in ("Credit note", receipt["number"], "The cable was stuck."))
    [now] = [one for one in world.payments() if one["id"] == paid]
    assert (now["captured_minor"], now["refunded_minor"]) == (minor(receipt["total"]), 50)
    assert download((await papers_of(app, settled["id"]))["receipt"]["pdfUrl"]) == pdf
