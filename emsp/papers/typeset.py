"""From a paper to a PDF, or to pictures of its pages.

The texts reach the template as data and are never read as markup. Fonts are those inside the library, and the time in
the file is that of the paper, so that the same paper gives the same bytes. The PDF is tagged, and meets PDF/A-2a (to
be kept) and PDF/UA-1 (to be read by everybody).
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import typst

from emsp import logs
from emsp.papers.paper import Paper

STANDARDS: tuple[str, ...] = ("a-2a", "ua-1")
UNSEEN = ("Cc", "Cn", "Co", "Cs")  # categories of characters that have no shape
log = logs.log(__name__)


def as_pdf(paper: Paper) -> bytes:
    """The PDF. Where a text has characters that no font inside the library has, fonts of this machine are asked, and
    a document that lacks a sign is better than none: the standards ask for every one."""
    tries: list[dict[str, Any]] = [
        {"pdf_standards": list(STANDARDS), "ignore_system_fonts": True},
        {"pdf_standards": list(STANDARDS), "ignore_system_fonts": False},
        {"ignore_system_fonts": False},
    ]
    for options in tries[:-1]:
        try:
            return _compiled(paper, format="pdf", **options)[0]
        except typst.TypstError as error:
            log.warning("a document has signs that no font has", number=paper.number, reason=error.message)
    return _compiled(paper, format="pdf", **tries[-1])[0]


def as_png(paper: Paper, *, pixels_per_inch: int = 144) -> list[bytes]:
    """A picture a page."""
    return _compiled(paper, format="png", ppi=pixels_per_inch, ignore_system_fonts=True)


def _compiled(paper: Paper, **options: Any) -> list[bytes]:
    """All that the library makes of a paper. Raises TypstError."""
    texts = msgspec.json.encode(_visible(msgspec.to_builtins(paper))).decode()
    made = typst.compile(
        _template(), sys_inputs={"paper": texts}, timestamp=int(paper.issued_at.timestamp()), **options
    )
    return made if isinstance(made, list) else [made]


@cache
def _template() -> bytes:
    return files("emsp.papers").joinpath("paper.typ").read_bytes()


def _visible(value: Any) -> Any:
    """The same without characters that have no shape, such as control codes; line breaks become blanks."""
    if isinstance(value, str):
        blank = value.replace("\n", " ").replace("\t", " ")
        return "".join(sign for sign in blank if unicodedata.category(sign) not in UNSEEN)
    if isinstance(value, dict):
        return {key: _visible(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_visible(one) for one in value]
    return value
