"""Documents as they are given out: typeset once, kept with their digest, and the same bytes ever after."""

from __future__ import annotations

import asyncio
import hashlib
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import select

from emsp.db.engine import Db
from emsp.papers.paper import Paper
from emsp.papers.tables import Document
from emsp.papers.typeset import as_pdf


async def keep(db: Db, *, kind: str, subject: str, name: str, paper: Paper) -> Document:
    """The document of this kind about `subject`: typeset from `paper` and kept, or the one that is kept already.

    `name` is the name of the file, with its ending.
    """
    if known := await kept(db, kind, subject):
        return known
    body = await asyncio.to_thread(as_pdf, paper)
    fresh = Document(
        kind=kind,
        subject=subject,
        name=name,
        language=paper.language,
        sha256=hashlib.sha256(body).hexdigest(),
        body=body,
    )
    await db.execute(insert(Document).values(**fresh.model_dump()).on_conflict_do_nothing())
    document = await kept(db, kind, subject)
    assert document is not None
    return document


async def kept(db: Db, kind: str, subject: str) -> Document | None:
    """The document of this kind about `subject`, if there is one."""
    document: Document | None = await db.scalar(
        select(Document).where(Document.kind == kind, Document.subject == subject)
    )
    return document


async def document_by_id(db: Db, document_id: UUID) -> Document | None:
    """The document with this id. For callers that have checked who asks."""
    return await db.get(Document, document_id)
