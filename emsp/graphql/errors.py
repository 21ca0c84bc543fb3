"""What an app is told when something is not done: refusals as data, everything else as an error with a code.

| raised                         | `extensions.code` |
|--------------------------------|-------------------|
| SignInNeeded                   | UNAUTHENTICATED   |
| NotFound                       | NOT_FOUND         |
| Invalid, and GraphQL's own     | INVALID_INPUT     |
| ProcessorFailed, PartnerFailed | UNAVAILABLE       |
| anything else                  | INTERNAL          |
"""

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any, cast

import strawberry
from graphql import GraphQLError
from strawberry.extensions import FieldExtension, MaskErrors
from strawberry.utils.str_converters import to_camel_case

from emsp.errors import EmspError, Invalid, NotFound, PartnerFailed, ProcessorFailed, Refused
from emsp.graphql.fields import F

INTERNAL, INVALID = "INTERNAL", "INVALID_INPUT"


class SignInNeeded(EmspError):
    """Only a signed-in driver may do this, or the access token is not good any more."""


CODES: tuple[tuple[type[Exception], str], ...] = (
    (SignInNeeded, "UNAUTHENTICATED"),
    (NotFound, "NOT_FOUND"),
    (Invalid, INVALID),
    (ProcessorFailed, "UNAVAILABLE"),
    (PartnerFailed, "UNAVAILABLE"),
)
SENTENCES = {
    INTERNAL: "Something went wrong on our side.",
    "NOT_FOUND": "There is nothing with this id.",
    "UNAVAILABLE": "A service that is needed for this does not answer; please try again.",
}


def code_of(error: Exception | None) -> str:
    """The stable code for what was raised; what GraphQL itself found wrong raised nothing."""
    if error is None or isinstance(error, GraphQLError):
        return INVALID
    return next((code for kind, code in CODES if isinstance(error, kind)), INTERNAL)


def public_message(error: Exception | None, message: str) -> str:
    """`message`, or what is said instead where it could tell something that is nobody's business."""
    return SENTENCES.get(code_of(error), message)


def extensions_of(error: Exception | None, request_id: str) -> dict[str, Any]:
    """`extensions` of an error: its code, the field that is wrong, and the id to ask us about."""
    field = error.field if isinstance(error, Invalid) and error.field else None
    return {"code": code_of(error), "requestId": request_id, **({"field": field} if field else {})}


class PublicErrors(MaskErrors):
    """Gives every error of an answer its code, and keeps our internals out of it."""

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        """The error as the app may see it."""
        cause = error.original_error
        return GraphQLError(
            message=public_message(cause, error.message),
            nodes=error.nodes,
            source=error.source,
            positions=error.positions,
            path=error.path,
            extensions=extensions_of(cause, self.execution_context.context.request_id),
        )


@strawberry.interface(description="Why something that a person asked for was not done.")
class UserError:
    code: str = strawberry.field(description="A stable code for programs; the mutation's error type lists them.")
    message: str = strawberry.field(description="A sentence for the person who asked.")
    field: list[str] | None = strawberry.field(description="The path to the input that is the reason, if one is.")


class RefusalsAsData(FieldExtension):
    """Turns a refusal that a mutation raises into its payload's `errors`, and so what makes no sense in its input."""

    def __init__(self, payload: type[Any], error: type[Any], codes: type[Enum]) -> None:
        self.payload, self.error, self.codes = payload, error, codes

    async def resolve_async(
        self, next_: Callable[..., Awaitable[Any]], source: Any, info: strawberry.Info, **arguments: Any
    ) -> Any:
        """The payload of the mutation, or one that says why not."""
        try:
            return await next_(source, info, **arguments)
        except Refused as no:
            return self._refused(no.code, no.message, no.field)
        except Invalid as wrong:
            if INVALID not in self.codes.__members__:
                raise
            return self._refused(INVALID, wrong.message, [wrong.field] if wrong.field else [])

    def _refused(self, code: str, message: str, path: list[str]) -> Any:
        sentence = message[:1].upper() + message[1:]
        reason = self.codes(code)
        return self.payload(
            errors=[self.error(code=code, reason=reason, message=sentence, field=input_path(path) or None)]
        )


def input_path(path: list[str]) -> list[str]:
    """The path to an argument as the schema spells it: what a feature calls `card_token` is `input.cardToken`."""
    named = [to_camel_case(name) for name in path]
    return named if not named or named[0] in ("input", "sessionId", "reservationId") else ["input", *named]


def mutation(payload: type[Any], error: type[Any], codes: type[Enum], description: str) -> Callable[[F], F]:
    """A mutation whose refusals, by the codes listed, are part of its payload."""
    extensions: list[FieldExtension] = [RefusalsAsData(payload, error, codes)]
    return cast("Callable[[F], F]", strawberry.mutation(description=description, extensions=extensions))
