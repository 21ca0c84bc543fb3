"""What a request of a partner is refused with, and what our own errors become on the wire."""

from __future__ import annotations

from enum import IntEnum

from emsp.errors import EmspError, Invalid, NotFound, PartnerFailed, Refused


class Status(IntEnum):
    """OCPI status codes that we give or look for (chapter Status codes)."""

    SUCCESS = 1000
    CLIENT_ERROR = 2000
    INVALID_PARAMETERS = 2001
    NOT_ENOUGH_INFORMATION = 2002
    UNKNOWN_LOCATION = 2003
    UNKNOWN_TOKEN = 2004
    SERVER_ERROR = 3000
    CLIENT_API_UNUSABLE = 3001
    UNSUPPORTED_VERSION = 3002
    NO_MATCHING_ENDPOINTS = 3003


class OcpiError(EmspError):
    """A request that is answered with an OCPI status code and, where the specification asks for it, an HTTP one."""

    def __init__(self, status: Status, message: str, http_status: int = 200) -> None:
        super().__init__(message)
        self.status, self.message, self.http_status = status, message, http_status


def as_ocpi(error: EmspError) -> OcpiError:
    """What one of our errors is for the partner whose request caused it."""
    match error:
        case OcpiError():
            return error
        case Invalid() | Refused():
            return OcpiError(Status.INVALID_PARAMETERS, str(error))
        case NotFound():
            return OcpiError(Status.INVALID_PARAMETERS, str(error), 404)
        case PartnerFailed():
            return OcpiError(Status.CLIENT_API_UNUSABLE, str(error))
        case _:
            return OcpiError(Status.SERVER_ERROR, "this request could not be handled; it is in our log", 500)
