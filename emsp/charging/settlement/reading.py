"""An operator's invoice as a table that people exported somewhere: CSV with commas, semicolons or tabs; pure.

The first row names the columns, in any order and case: `record` (also cdr, cdr_id, id), `net` (net_amount, excl_vat),
and if there are any `vat` (tax, vat_amount: the amount), `gross` (incl_vat, total) and `currency`. Other columns are
left alone. What cannot be read is told by its line and column; nothing is guessed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from emsp.charging.settlement.matching import InvoiceLine
from emsp.errors import Invalid
from emsp.money import is_known_currency, round_money

NAMES = {
    "record": ("record", "cdr", "cdr_id", "cdrid", "record_id", "id"),
    "net": ("net", "net_amount", "excl_vat", "amount_excl_vat", "total_excl_vat"),
    "vat": ("vat", "tax", "vat_amount", "tax_amount"),
    "gross": ("gross", "gross_amount", "incl_vat", "amount_incl_vat", "total_incl_vat", "total"),
    "currency": ("currency", "currency_code"),
}
AMOUNTS = ("net", "vat", "gross")
DELIMITERS = (";", "\t", ",")
MOST_ROWS = 200_000
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)*")
Cells = dict[str, str]


def read_invoice(data: bytes, *, currency: str | None = None) -> list[InvoiceLine]:
    """The lines of an invoice; `currency` holds where the table has none. Raises Invalid, naming line and column."""
    rows = _rows(_text(data))
    _, head = next(rows, (0, []))
    columns = _columns(head)
    table = [(line, _cells(row, columns)) for line, row in rows if any(cell.strip() for cell in row)]
    if not table:
        raise Invalid("has no lines", "file")
    if len(table) > MOST_ROWS:
        raise Invalid(f"has more than {MOST_ROWS} lines", "file")
    comma = _decimal_comma([cells[name] for _, cells in table for name in AMOUNTS if name in cells])
    return [_line(line, cells, currency, comma) for line, cells in table]


def _text(data: bytes) -> str:
    """However it was saved: UTF-8 with or without its mark, else as Windows does it in western Europe."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows with the line that each begins at, split by the sign that the first row has most of."""
    head = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    before = 0
    for row in reader:
        yield before + 1, row
        before = reader.line_num


def _columns(head: Sequence[str]) -> dict[int, str]:
    """Which column means what. Raises Invalid for a table without records or amounts."""
    told = {re.sub(r"[^a-z]+", "_", cell.strip().lower()).strip("_"): place for place, cell in enumerate(head)}
    found: dict[int, str] = {}
    for name, aliases in NAMES.items():
        place = next((told[alias] for alias in aliases if alias in told), None)
        if place is not None:
            found[place] = name
    for name in ("record", "net"):
        if name not in found.values():
            raise Invalid(f"there is no column {name!r} among {', '.join(head) or 'nothing'}", "line 1")
    return found


def _cells(row: Sequence[str], columns: dict[int, str]) -> Cells:
    return {name: row[place].strip() if place < len(row) else "" for place, name in columns.items()}


def _line(number: int, cells: Cells, currency: str | None, comma: bool) -> InvoiceLine:
    if not cells["record"]:
        raise Invalid("names no record", f"line {number}, column record")
    code = (cells.get("currency") or currency or "").upper()
    if not is_known_currency(code):
        told = f"{code!r} is no currency" if code else "says no currency, and none was given with the file"
        raise Invalid(told, f"line {number}, column currency")
    amounts = {
        name: _minor(cells[name], code, comma, f"line {number}, column {name}") for name in AMOUNTS if cells.get(name)
    }
    if "net" not in amounts:
        raise Invalid("says no amount", f"line {number}, column net")
    tax_minor = amounts.get("vat")
    if "gross" in amounts:
        beyond = amounts["gross"] - amounts["net"]
        if tax_minor is not None and tax_minor != beyond:
            raise Invalid("is not net and VAT together", f"line {number}, column gross")
        tax_minor = beyond
    return InvoiceLine(
        number=number, record=cells["record"], currency=code, net_minor=amounts["net"], tax_minor=tax_minor
    )


def _minor(text: str, currency: str, comma: bool, where: str) -> int:
    plain = _bare(text)
    if not NUMBER.fullmatch(plain):
        raise Invalid(f"{text!r} is no amount", where)
    decimal, thousands = (",", ".") if comma else (".", ",")
    whole, point, fraction = plain.partition(decimal)
    groups = whole.lstrip("+-").split(thousands)
    if decimal in fraction or thousands in fraction or not _are_thousands(groups):
        raise Invalid(f"{text!r} is no amount, where {decimal!r} is the decimal sign", where)
    return round_money(Decimal(whole.replace(thousands, "") + (f".{fraction}" if point else "")), currency).amount_minor


def _bare(text: str) -> str:
    """Without blanks, the apostrophes of Swiss thousands, and signs of currencies."""
    return re.sub(r"[\s\u00a0\u202f'\u2019]|EUR|CHF|GBP|[€£$]", "", text).replace("\u2212", "-")


def _are_thousands(groups: Sequence[str]) -> bool:
    return len(groups) == 1 or (1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:]))


def _decimal_comma(amounts: Iterable[str]) -> bool:
    """Whether the table writes decimals with a comma: told by any amount that can be read in one way only.

    Raises Invalid for a table that does both, or one whose commas may be either.
    """
    signs = {_sign(_bare(amount)) for amount in amounts if amount}
    if {",", "."} <= signs:
        raise Invalid("some amounts have a decimal comma, others a decimal point", "file")
    if "?," in signs and not signs & {",", "."}:
        raise Invalid("whether a comma is a decimal sign or sets off thousands cannot be told; write 1234.50", "file")
    return "," in signs


def _sign(amount: str) -> str | None:
    """The decimal sign of an amount: "." or ","; "?." or "?," for one that may set off thousands, None without one."""
    last = max(amount.rfind(","), amount.rfind("."))
    if last < 0:
        return None
    sign, other = amount[last], "." if amount[last] == "," else ","
    if other in amount:
        return sign
    if amount.count(sign) > 1:
        return other
    may_be_thousands = len(amount) - last == 4 and amount[:last].lstrip("+-") != "0"
    return f"?{sign}" if may_be_thousands else sign
