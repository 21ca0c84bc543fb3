"""Invoices as people export them: every way to write an amount, and what is wrong named by line and column."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emsp.charging.settlement.matching import InvoiceLine
from emsp.charging.settlement.reading import read_invoice
from emsp.errors import Invalid

TWO = [
    InvoiceLine(number=2, record="C1", currency="EUR", net_minor=123450, tax_minor=25925),
    InvoiceLine(number=3, record="C2", currency="EUR", net_minor=-80, tax_minor=-17),
]


@pytest.mark.parametrize(
    "text",
    [
        "record,net,vat,currency\nC1,1234.50,259.25,EUR\nC2,-0.80,-0.17,eur\n",
        'record,net,vat,currency\nC1,"1,234.50",259.25,EUR\nC2,-0.80,-0.17,EUR\n',
        'record,net,vat,currency\nC1,"1234,50","259,25",EUR\nC2,"-0,80","-0,17",EUR\n',
        "record;net;vat;currency\nC1;1234,50;259,25;EUR\nC2;-0,80;-0,17;EUR\n",
        "CDR ID;Excl. VAT;Currency;Incl. VAT\nC1;1.234,50;EUR;1.493,75\nC2;-0,80;EUR;-0,97\n",
        "\ufeffrecord;net;vat;currency\r\nC1;1234,5;259,25;EUR\r\nC2;-0,8;-0,17;EUR\r\n",
        "city\tid\tnet_amount\ttax\tcurrency\nUtrecht\tC1\t1'234.50 €\t259.25\tEUR\n\tC2\t−0.80\t-0.17\tEUR\n",
        'record,net,vat,currency\n" C1 ",1234.50,259.25,EUR\nC2,-0.80,-0.17,EUR\n\n,,,\n',
        "record;net;vat;currency\nC1;EUR 1 234,50;259,25;EUR\nC2;-0,80;-0,17;EUR\n",
        "record,net,vat,gross,currency\nC1,1234.50,259.25,1493.75,EUR\nC2,-0.80,-0.17,-0.97,EUR\n",
    ],
)
def test_however_a_table_is_written(text: str) -> None:
    assert read_invoice(text.encode()) == TWO


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
def test_however_a_table_is_saved(encoding: str) -> None:
    text = "record;net;city;vat\nC1;1234,50 €;Köln;259,25\nC2;-0,80;Århus;-0,17\n"
    assert read_invoice(text.encode(encoding), currency="eur") == TWO


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "line 1: there is no column 'record' among nothing"),
        ("cdr;amount\nC1;1\n", "line 1: there is no column 'net' among cdr, amount"),
        ("record;net\n", "file: has no lines"),
        ("record;net;currency\nC1;4,50;EUR\nC2;four;EUR\n", "line 3, column net: 'four' is no amount"),
        ("record;net;currency\nC1;4.50;EUR\nC2;1.2.3;EUR\n", "file: some amounts have a decimal comma, others"),
        ("record;net;currency\nC1;4,50;EUR\n;1,00;EUR\n", "line 3, column record: names no record"),
        ("record;net;currency\nC1;4,50;EUR\nC2;;EUR\n", "line 3, column net: says no amount"),
        ("record;net;currency\nC1;4,50;\n", "line 2, column currency: says no currency"),
        ("record;net;currency\nC1;4,50;EURO\n", "line 2, column currency: 'EURO' is no currency"),
        ("record;net\nC1;4,50\n", "line 2, column currency: says no currency, and none was given"),
        ("record;net;currency\nC1;4,50;EUR\nC2;4.50;EUR\n", "file: some amounts have a decimal comma, others"),
        ("record;net;currency\nC1;1,234;EUR\n", "file: whether a comma is a decimal sign"),
        ("record;net;currency\nC1;12,34.50;EUR\n", "line 2, column net: '12,34.50' is no amount"),
        ("record;net;vat;gross;currency\nC1;4,00;1,00;6,00;EUR\n", "line 2, column gross: is not net and VAT"),
        ('record;net;currency\n"C\n1";4,50;EUR\nC2;x;EUR\n', "line 4, column net: 'x' is no amount"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, complaint: str) -> None:
    with pytest.raises(Invalid) as told:
        read_invoice(text.encode())
    assert str(told.value).startswith(complaint), str(told.value)


def test_that_thousands_in_a_table_with_decimals_are_understood() -> None:
    text = "record;net;currency\nC1;1.234;EUR\nC2;4,50;EUR\n"
    assert [line.net_minor for line in read_invoice(text.encode())] == [123400, 450]
    text = 'record,net,currency\nC1,"1,234",JPY\nC2,4.5,EUR\n'
    assert [line.net_minor for line in read_invoice(text.encode())] == [1234, 450]


@given(
    amounts=st.lists(st.decimals("-99999.99", "99999.99", places=2), min_size=1, max_size=8),
    comma=st.booleans(),
    delimiter=st.sampled_from(",;\t"),
)
@settings(max_examples=80, deadline=None)
def test_that_what_is_written_is_what_is_read(amounts: list[Decimal], comma: bool, delimiter: str) -> None:
    def written(amount: Decimal) -> str:
        text = str(amount)
        return f'"{text.replace(".", ",") if comma else text}"'

    rows = [delimiter.join(["record", "net", "currency"])]
    rows += [delimiter.join([f"C{number}", written(amount), "EUR"]) for number, amount in enumerate(amounts)]
    read = read_invoice("\n".join(rows).encode())
    assert [line.net_minor for line in read] == [int(amount * 100) for amount in amounts]


@given(st.binary(max_size=200))
@settings(max_examples=80, deadline=None)
def test_that_nothing_but_invalid_is_raised(data: bytes) -> None:
    for head in (b"", b"record;net;currency\n"):
        try:
            read_invoice(head + data)
        except Invalid:
            continue
