"""Documents: what is typeset can be read back, is data to the last sign, and is the same each time."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from emsp.charging.billing.given import given_back
from emsp.charging.paper.facts import OnCard, Payment
from emsp.charging.paper.paper import paper_of
from emsp.errors import Invalid
from emsp.money import Money
from emsp.papers import details, parties, said
from emsp.papers.paper import Column, Look, Paper, Party, Row, Table
from emsp.papers.typeset import as_pdf, as_png
from emsp.pricing.engine.billed import Bill
from tests.charging.test_difference import a_bill
from tests.papers.example import BEGAN, ENDED, VISA, draw, example_credit, example_facts
from tests.papers.reading import reader_of, text_of

PAPER = Paper(
    kind="RECEIPT",
    title="Receipt",
    number="VOLT-2026-000001",
    language="en",
    issued_at=datetime(2026, 3, 6, tzinfo=UTC),
    look=Look("Volt", "#0b7a4b"),
    seller=Party("Seller", "Volt B.V."),
    buyer=Party("Buyer", "Ada"),
    lines=Table((Column("What"), Column("Amount", "end")), (Row(("Energy", "€1.00")),)),
)


def test_that_a_receipt_says_what_it_is_about() -> None:
    text = text_of(as_pdf(paper_of(example_facts())))

    for told in (
        "Receipt VOLT-2026-001207",
        "Volt Mobility B.V. Stationsplein 45 1012 AB Amsterdam, Netherlands VAT ID NL123456782B90",
        "Anna de Vries Lange Nieuwstraat 12",
        "Energy 6 Mar 2026 17:42–18:00; 07:00–18:00 6.21 kWh €0.49 per kWh 21% €3.04",
        "Parking after charging",
        "Excl. VAT €10.07 VAT 21% on €10.07 €2.12 Total incl. VAT €12.19",
        "Station Jaarbeursplein P1 Address Jaarbeursplein 6, 3521 AL Utrecht Operator Greenpoint Charging",
        "NL*ABC*E41*1",
        "Type 2, 22 kW",
        "6 Mar 2026, 17:42 (CET)",
        "26.84 kWh Duration 1 h 31 min",
        "€45.00 on Visa •••• 4242 Charged €12.19 to Visa •••• 4242",
        "Released €32.81",
        "Quoted €13.65 for 30 kWh Billed €12.19 for 26.84 kWh",
        "What the operator asks is what its prices come to",
    ):
        assert told in text, told


def test_that_a_credit_note_says_what_it_corrects_and_why() -> None:
    text = text_of(as_pdf(paper_of(example_credit())))

    for told in (
        "Credit note VOLT-2026-001246",
        "VOLT-2026-001207 of 6 March 2026",
        "Reason: The cable would not unlock",
        "Excl. VAT -€4.13 VAT 21% on -€4.13 -€0.87 Credit incl. VAT -€5.00 The charge now costs €7.19",
        "To your card €5.00, Visa •••• 4242 Sent on 9 Mar 2026, 10:14 (CET)",
    ):
        assert told in text, told
    assert "Quoted" not in text


@pytest.mark.parametrize(
    ("language", "title", "total", "credit"),
    [
        ("nl", "Factuur", "Totaal incl. btw € 12,19", "Creditnota"),
        ("de", "Rechnung", "Gesamtbetrag inkl. USt. 12,19 €", "Rechnungskorrektur"),
        ("fr", "Facture", "Total TTC 12,19 €", "Avoir"),
        ("it", "Receipt", "Total incl. VAT €12.19", "Credit note"),
    ],
)
def test_that_it_is_in_the_drivers_language(language: str, title: str, total: str, credit: str) -> None:
    text = text_of(as_pdf(paper_of(example_facts(language=language))))

    assert f"{title} VOLT-2026-001207" in text
    assert total in text
    assert credit in text_of(as_pdf(paper_of(example_credit(language=language))))


def minor(text: str) -> int:
    """An English amount in euros, back in cents."""
    return int(text.replace("€", "").replace(",", "").replace(".", ""))


costs = st.lists(
    st.tuples(st.integers(0, 99_999).map(lambda net: f"{net / 1000:.3f}"), st.sampled_from(["0", "5.5", "9", "21"])),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40)
@given(costs.map(lambda lines: a_bill(*lines)), st.integers(1, 20_000))
def test_that_the_sums_on_paper_are_those_of_the_receipt(bill: Bill, amount_minor: int) -> None:
    for one in (bill, given_back(bill, amount_minor)):
        paper = paper_of(example_facts(bill=one))
        net, *taxes, total = paper.totals

        assert sum(minor(row.cells[-1]) for row in paper.lines.rows) == one.total_minor
        assert (minor(net.value), minor(total.value), total.strong) == (one.net_minor, one.total_minor, True)
        assert minor(net.value) + sum(minor(tax.value) for tax in taxes) == one.total_minor
        assert sum(minor(tax.label.rpartition(" ")[2]) for tax in taxes) == (one.net_minor if taxes else 0)
        assert len(taxes) == len(one.taxes)
        assert paper.headline is not None
        assert minor(paper.headline.value) == one.total_minor


def test_that_balance_remainder_and_what_is_due_are_told_apart() -> None:
    euros = {name: Money(value, "EUR") for name, value in {"paid": 1000, "owed": 1219, "some": 300}.items()}
    payment = Payment(
        paid=euros["paid"],
        owed_in_all=euros["owed"],
        paid_in_all=euros["paid"],
        balance=euros["some"],
        held=OnCard(euros["some"], VISA, BEGAN),
        captured=OnCard(euros["some"], VISA, ENDED),
        charged=(OnCard(Money(400, "EUR"), None, ENDED),),
    )
    text = text_of(as_pdf(paper_of(example_facts(payment=payment))))

    assert "Still due: €2.19" in text
    for told in ("From your balance €3.00", "Charged €3.00 to Visa •••• 4242", "Charged €4.00 to card"):
        assert told in text, told
    assert "Paid €10.00 Still due €2.19" in text
    assert "Released" not in text


def test_that_where_no_tax_is_known_none_is_said() -> None:
    text = text_of(as_pdf(paper_of(example_facts(bill=a_bill(("10.00", None))))))

    assert "incl. VAT" not in text
    assert "The VAT in these prices is not known." in text


def test_that_the_file_says_its_language_and_title_and_meets_the_standards() -> None:
    pdf = reader_of(as_pdf(paper_of(example_facts(language="nl"))))

    assert pdf.metadata is not None
    assert pdf.metadata.title == "Factuur VOLT-2026-001207"
    assert pdf.metadata.creation_date == datetime(2026, 3, 6, 18, 16, tzinfo=UTC)
    root = pdf.trailer["/Root"]
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"]) == ("nl", True)
    about = root["/Metadata"].get_object().get_data().decode()
    assert ("pdfaid:part>2<" in about, "pdfaid:conformance>A<" in about) == (True, True)
    assert "pdfuaid:part>1<" in about


def test_that_the_same_paper_gives_the_same_bytes() -> None:
    paper = paper_of(example_facts())

    assert as_pdf(paper) == as_pdf(paper)
    assert as_pdf(paper) != as_pdf(replace(paper, number="VOLT-2026-001208"))


@pytest.mark.parametrize(
    "text",
    [
        '#read("/etc/passwd")',
        '#import "@preview/x:1"',
        "*bold* _it_ $x$ `raw` <label> @ref = \\ // /* ~ -- '\"",
        ']] } ) #eval("1")',
        "Łódź Αθήνα Київ şğ",
        "Müllerstraße & Söhne <br> %n {0} {name}",
    ],
)
def test_that_texts_from_outside_are_data(text: str) -> None:
    lines = Table(PAPER.lines.columns, (Row((text, "€1.00"), detail=text),))
    shown = text_of(as_pdf(replace(PAPER, buyer=Party("Buyer", text, (text,)), look=Look(text), lines=lines)))

    assert shown.count(" ".join(text.split())) == 5


@pytest.mark.parametrize("text", ["a\x00b\x07c", "a\nb\tc", "\ue000abc", "東京 🚗", "a" * 400, "\u202eabc", ""])
def test_that_no_text_is_a_reason_to_have_no_document(text: str) -> None:
    lines = Table(PAPER.lines.columns, (Row((text, "€1.00")),))

    assert "€1.00" in text_of(as_pdf(replace(PAPER, buyer=Party("Buyer", text), lines=lines)))


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=40))
def test_that_any_text_can_stand_on_it(text: str) -> None:
    assert as_pdf(replace(PAPER, buyer=Party("Buyer", text))).startswith(b"%PDF-")


def test_that_a_light_colour_is_darkened_until_it_can_be_read() -> None:
    assert as_png(replace(PAPER, look=Look("Volt", "#ffee00")), pixels_per_inch=20)


def test_that_many_lines_go_on_over_pages_below_the_same_head() -> None:
    lines = Table(PAPER.lines.columns, tuple(Row((f"Charge {number}", "€1.00")) for number in range(120)))

    pages = [page.extract_text() for page in reader_of(as_pdf(replace(PAPER, lines=lines))).pages]

    assert len(pages) > 2
    assert all("What" in page for page in pages[:-1])


def test_that_the_pictures_of_the_readme_can_be_drawn_anew(tmp_path: Path) -> None:
    draw(tmp_path)

    sizes = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
    assert sizes.keys() == {"receipt.png", "credit-note.png"}
    assert all(20_000 < size < 150_000 for size in sizes.values())


@pytest.mark.parametrize(
    ("wanted", "amount", "energy", "day"),
    [
        ("en", "€1,234.50", "26.84 kWh", "6 March 2026"),
        ("nl", "€ 1.234,50", "26,84 kWh", "6 maart 2026"),
        ("de", "1.234,50 €", "26,84 kWh", "6. März 2026"),
        ("fr", "1 234,50 €", "26,84 kWh", "6 mars 2026"),
        ("de-AT", "€ 1.234,50", "26,84 kWh", "6. März 2026"),
        ("xx", "€1,234.50", "26.84 kWh", "6 March 2026"),
    ],
)
def test_how_a_language_writes(wanted: str, amount: str, energy: str, day: str) -> None:
    at = datetime(2026, 3, 5, 23, 30, tzinfo=UTC)
    written = said.amount(Money(123450, "EUR"), wanted), said.energy(26_840, wanted)

    assert tuple(" ".join(text.split()) for text in written) == (amount, energy)
    assert said.day(at, "Europe/Amsterdam", wanted) == day


def test_durations_and_rates() -> None:
    assert [said.duration(seconds) for seconds in (59, 60, 3599, 3600, 90_000)] == [
        "59 s",
        "1 min",
        "59 min",
        "1 h 00 min",
        "25 h 00 min",
    ]
    assert [said.percent(Decimal(rate), "nl") for rate in ("21", "8.1", "0")] == ["21%", "8,1%", "0%"]


def test_that_a_party_shows_what_it_gave() -> None:
    company = {"company": "ACME", "name": "Ada", "city": "Gent", "postal_code": "9000", "country": "BE"}

    assert parties.party("buyer", company, "nl", otherwise="?") == Party("Koper", "ACME", ("Ada", "9000 Gent, België"))
    assert parties.party("buyer", {}, "fr", otherwise="ada@example.com") == Party("Client", "ada@example.com")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("NL123456789B01", "NL123456789B01"),
        ("nl 1234.56.789 b01", "NL123456789B01"),
        ("DE 123456789", "DE123456789"),
        ("BE0123456789", "BE0123456789"),
        ("GR123456789", "EL123456789"),
        ("CHE123456789", "CHE123456789"),
        ("FRXX123456789", "FRXX123456789"),
    ],
)
def test_vat_ids_as_they_are_written(written: str, kept: str) -> None:
    assert details.checked_vat_id(written) == kept


@pytest.mark.parametrize("written", ["NL123456789", "123456789", "DE12345678", "NL", "N1123", "DE123456789; DROP"])
def test_what_is_no_vat_id(written: str) -> None:
    with pytest.raises(Invalid, match="vat_id: must be a VAT id"):
        details.checked_vat_id(written)
