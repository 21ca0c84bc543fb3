"""Lies of behaviour: what charge points and the CPO do, or leave undone; the life of a session asks for them."""

from .catalogue import Lie, catalogued

COMMANDS = "OCPI 2.2.1, Commands: CommandResult and the Session are two things"
PATCHES = "OCPI 2.2.1, Sessions: PATCH updates a Session that was PUT"
RECORDS = "OCPI 2.2.1, CDRs: a CDR is sent once and never changed"


def _behaviour(name: str, sentence: str, source: str, **orders: str) -> None:
    catalogued(Lie(name, sentence, source, "behaviour", orders))


_behaviour(
    "timeout-then-start", "The result is TIMEOUT, and then a session starts anyway.", "ocpi/ocpi#475", start="late"
)
_behaviour(
    "accepted-never-plugged",
    "The start is accepted, and no session ever comes: nobody plugged in.",
    "ocpi/ocpi#392",
    start="never_plug",
)
_behaviour(
    "refuse-then-start", "The answer is REJECTED at once, and a session starts anyway.", COMMANDS, start="refuse_late"
)
_behaviour("pending-forever", "The session stays PENDING until it is stopped.", "ocpi/ocpi#524", start="pending")
_behaviour("patch-before-put", "A session is PATCHed before it was PUT; it is PUT after a 404.", PATCHES)
_behaviour("replayed-periods", "Each PATCH repeats every charging period so far.", "ocpi/ocpi#325")
_behaviour(
    "session-never-ends",
    "The end of a session is never pushed; the CDR and GET sessions tell it.",
    "ocpi/ocpi#524",
)
_behaviour("late-cdr", "The CDR comes late, by push and by pull.", "OCPI 2.2.1, CDRs: sending may wait", cdr="late")
_behaviour("missing-cdr", "The CDR is never pushed; only a pull finds it.", "OCPI 2.2.1, CDRs: GET", cdr="pull_only")
_behaviour("no-cdr", "There is never a CDR.", "OCPI 2.2.1, CDRs: every session is billed by one", cdr="never")
_behaviour("duplicate-cdr", "The same CDR is pushed twice, and pulled.", RECORDS, cdr="twice")
_behaviour("changed-cdr", "A CDR is pushed again under its id with another total.", RECORDS, cdr="changed")
_behaviour(
    "credit-cdr",
    "A CDR 30 % too high is followed by a credit CDR and then by a right one with a new id.",
    "ocpi/ocpi#399",
    cdr="credit",
)
_behaviour(
    "cancel-reservation-late",
    "An accepted reservation is cancelled later, at the address of its result.",
    "OCPI 2.2.1, Commands: CANCELED_RESERVATION",
)
