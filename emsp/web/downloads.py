"""Files that people download by a signed link."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from emsp.db.engine import transaction
from emsp.errors import Invalid
from emsp.fleets import bill, links
from emsp.fleets.tables import Fleet
from emsp.papers import links as document_links
from emsp.papers.keep import document_by_id


async def fleet_bill_csv(request: Request) -> Response:
    """GET /fleets/{fleet}/bills/{YYYY-MM}.csv?until=&signature=: the bill, or 404 for a link that is not good."""
    fleet_id, month = UUID(str(request.path_params["fleet_id"])), request.path_params["month"]
    try:
        until = int(request.query_params.get("until", ""))
    except ValueError:
        return _no_such_file()
    if not links.is_good(fleet_id, month, until, request.query_params.get("signature", "")):
        return _no_such_file()
    try:
        async with transaction() as db:
            fleet = await db.get(Fleet, fleet_id)
            text = bill.as_csv(await bill.bills(db, fleet, month)) if fleet else None
    except Invalid as invalid:
        return PlainTextResponse(str(invalid), status_code=400)
    if text is None:
        return _no_such_file()
    headers = {"content-disposition": f'attachment; filename="bill-{month}.csv"', "cache-control": "private, no-store"}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


async def document(request: Request) -> Response:
    """GET /documents/{id}?until=&signature=: a document as it was given out, or 404 for a link that is not good."""
    document_id = UUID(str(request.path_params["document_id"]))
    try:
        until = int(request.query_params.get("until", ""))
    except ValueError:
        return _no_such_file()
    if not document_links.is_good(document_id, until, request.query_params.get("signature", "")):
        return _no_such_file()
    async with transaction() as db:
        found = await document_by_id(db, document_id)
    if found is None:
        return _no_such_file()
    headers = {
        "content-disposition": f'inline; filename="{found.name}"',
        "cache-control": "private, no-store",
        "x-content-type-options": "nosniff",
    }
    return Response(found.body, media_type=found.media_type, headers=headers)


def _no_such_file() -> Response:
    return PlainTextResponse("This link is not good, or not any more.", status_code=404)


def routes() -> list[Route]:
    """What is mounted at the root."""
    return [
        Route("/fleets/{fleet_id:uuid}/bills/{month}.csv", fleet_bill_csv),
        Route("/documents/{document_id:uuid}", document),
    ]
