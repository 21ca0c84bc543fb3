"""What a PDF says, read back."""

from __future__ import annotations

import io

from pypdf import PdfReader


def reader_of(body: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(body))


def text_of(body: bytes) -> str:
    """All pages as one text, blanks of every kind as one blank."""
    pages = (page.extract_text() for page in reader_of(body).pages)
    return " ".join(" ".join(pages).split())
