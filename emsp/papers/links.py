"""Links to documents that work without signing in, for an hour, for whoever was given one."""

from __future__ import annotations

import hmac
from datetime import timedelta
from uuid import UUID

from emsp import clock, vault
from emsp.settings import settings

GOOD_FOR = timedelta(hours=1)


def document_url(document_id: UUID) -> str:
    """The address of the document; whoever asks for one has checked whose it is."""
    until = int((clock.now() + GOOD_FOR).timestamp())
    return f"{settings().public_url}/documents/{document_id}?until={until}&signature={_signature(document_id, until)}"


def is_good(document_id: UUID, until: int, signature: str) -> bool:
    """Whether the link was made by us for this document and has not run out."""
    made = _signature(document_id, until)
    return until >= clock.now().timestamp() and hmac.compare_digest(made.encode(), signature.encode())


def _signature(document_id: UUID, until: int) -> str:
    return vault.sign(f"document:{document_id}:{until}".encode())
