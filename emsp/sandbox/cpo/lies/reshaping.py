"""Lies that make another answer of the application's own: its links, totals, errors and shape."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..wire import encode
from .answers import SETTING_UP, Answer, Request
from .catalogue import Lie, catalogued

Reshape = Callable[[Request, Answer, str], Answer]
RESHAPED: dict[str, Reshape] = {}
PAGINATION = "OCPI 2.2.1, Transport and format: Pagination"
ENVELOPE = "OCPI 2.2.1, Transport and format: Response format"
ELSEWHERE = "http://elsewhere.invalid"


def _reshaping(name: str, sentence: str, source: str) -> Callable[[Reshape], Reshape]:
    """Declares a lie that changes an answer, given the request and the platform's address."""

    def declare(reshape: Reshape) -> Reshape:
        catalogued(Lie(name, sentence, source, "transport"))
        RESHAPED[name] = reshape
        return reshape

    return declare


@_reshaping(
    "endless-pages", "After the last page Link names the first one again, each time by another address.", PAGINATION
)
def _endless_pages(request: Request, answer: Answer, base: str) -> Answer:
    if not request.is_page or answer.is_error or "link" in answer.headers:
        return answer
    turn = request.query.get("round", "0")
    return answer.with_headers(link=request.link(base, offset=0, round=int(turn) + 1 if turn.isdecimal() else 1))


@_reshaping("no-link", "There is no Link although more pages exist.", PAGINATION)
def _no_link(request: Request, answer: Answer, base: str) -> Answer:
    return answer.with_headers(link=None)


@_reshaping("relative-link", "Link names the next page without a host.", PAGINATION)
def _relative_link(request: Request, answer: Answer, base: str) -> Answer:
    return answer.with_headers(link=answer.headers["link"].replace(base, "")) if "link" in answer.headers else answer


@_reshaping("wrong-link", "Link names the same page again or, every second time, another host.", PAGINATION)
def _wrong_link(request: Request, answer: Answer, base: str) -> Answer:
    if "link" not in answer.headers:
        return answer
    elsewhere = answer.headers["link"].replace(base, ELSEWHERE)
    return answer.with_headers(link=request.link(base) if request.number % 2 else elsewhere)


@_reshaping("total-of-page", "X-Total-Count counts the page, not the list.", PAGINATION)
def _total_of_page(request: Request, answer: Answer, base: str) -> Answer:
    if not request.is_page or answer.is_error:
        return answer
    return answer.with_headers(x_total_count=str(len(answer.envelope["data"])))


@_reshaping("list-for-object", "The data is a list of one where an object is due.", ENVELOPE)
def _list_for_object(request: Request, answer: Answer, base: str) -> Answer:
    match answer.envelope.get("data"):
        case dict() as single if request.module not in SETTING_UP:
            return _with_data(answer, [single])
    return answer


@_reshaping("object-for-list", "The data is an object where a list of one is due.", ENVELOPE)
def _object_for_list(request: Request, answer: Answer, base: str) -> Answer:
    match answer.envelope.get("data"):
        case [lonely] if request.module not in SETTING_UP:
            return _with_data(answer, lonely)
    return answer


def _with_data(answer: Answer, data: Any) -> Answer:
    return replace(answer, body=encode({**answer.envelope, "data": data}))


@_reshaping("no-envelope", "Errors have no envelope: a detail, with HTTP 403, 404 or 422.", ENVELOPE)
def _no_envelope(request: Request, answer: Answer, base: str) -> Answer:
    if not answer.is_error:
        return answer
    status = {401: 403, 403: 403, 404: 404}.get(answer.status, 422)
    return replace(answer, status=status, body=encode({"detail": answer.envelope.get("status_message", "")}))
