"""Contract ids and their check digit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsp.accounts.contracts import ALPHABET, check_digit, new_contract_id, read_contract_id, with_check_digit
from emsp.errors import Invalid

contracts = st.text(ALPHABET, min_size=14, max_size=14)


@pytest.mark.parametrize(
    ("contract", "digit"),
    [
        ("NN123ABCDEFGHI", "T"),
        ("FRXYZ123456789", "2"),
        ("ITA1B2C3E4F5G6", "4"),
        ("ESZU8WOX834H1D", "R"),
        ("PT73902837ABCZ", "Z"),
        ("DE83DUIEN83QGZ", "D"),
        ("DE83DUIEN83ZGQ", "M"),
        ("DE8AA001234567", "0"),
    ],
)
def test_that_check_digits_are_those_of_the_published_examples(contract: str, digit: str) -> None:
    assert check_digit(contract) == digit


def test_that_a_contract_is_read_however_it_is_written() -> None:
    assert read_contract_id("de-8aa-001234567") == read_contract_id("DE8AA0012345670") == "DE8AA0012345670"
    assert with_check_digit("DE8AA001234567") == "DE8AA0012345670"
    assert with_check_digit("04A2B3C4") == "04A2B3C4", "anything else is left alone"


@pytest.mark.parametrize("text", ["", "DE8AA", "1E8AA001234567", "DE8AA0012345671", "DE8AA00123456700"])
def test_that_what_is_no_contract_is_refused_by_name(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_contract_id(text)
    assert refused.value.field == "contract_id"


def test_that_new_contracts_are_the_provider_s_own() -> None:
    made = {new_contract_id("NLEMP") for _ in range(50)}
    assert len(made) == 50
    assert all(read_contract_id(contract) == contract and contract.startswith("NLEMPC") for contract in made)


@given(contracts, st.integers(0, 13), st.sampled_from(ALPHABET))
def test_that_one_wrong_character_is_noticed(contract: str, place: int, other: str) -> None:
    wrong = contract[:place] + other + contract[place + 1 :]
    assert (check_digit(wrong) == check_digit(contract)) == (wrong == contract)


@given(contracts, st.integers(0, 12))
def test_that_two_characters_in_the_wrong_order_are_noticed(contract: str, place: int) -> None:
    swapped = contract[:place] + contract[place + 1] + contract[place] + contract[place + 2 :]
    assert (check_digit(swapped) == check_digit(contract)) == (swapped == contract)
