"""Contract ids of e-mobility accounts (ISO 15118-1, annex H; eMI3): country, provider, nine characters, check digit."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from string import ascii_uppercase, digits

from emsp.errors import Invalid

ALPHABET = digits + ascii_uppercase
CLEAR = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""What nobody takes for another character."""
CONTRACT = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[A-Z0-9]{9}[A-Z0-9]?")
LENGTH = 14
Pair = tuple[int, int]


def folded(text: str) -> str:
    """An id as it is kept and compared: letters and digits in upper case, without what only makes it easy to read."""
    return "".join(character for character in text.upper() if character in ALPHABET)


def read_contract_id(text: str) -> str:
    """A contract id, folded, with its check digit; one that came without gets it.

    Raises Invalid naming `contract_id` for what is none, and for a check digit that does not fit.
    """
    contract = folded(text)
    if not CONTRACT.fullmatch(contract):
        raise Invalid("must be a contract id, such as NL-EMP-C12345678-X", "contract_id")
    expected = with_check_digit(contract[:LENGTH])
    if contract not in (expected, expected[:LENGTH]):
        raise Invalid(f"its check digit is {contract[-1]}, and should be {expected[-1]}", "contract_id")
    return expected


def new_contract_id(provider: str) -> str:
    """A new contract id of a provider: the country code and the provider's three characters, such as NLEMP."""
    contract = f"{folded(provider)}C{''.join(secrets.choice(CLEAR) for _ in range(8))}"
    return read_contract_id(contract)


def with_check_digit(contract: str) -> str:
    """A folded contract id with its check digit, where it came without; anything else as it is."""
    is_short = len(contract) == LENGTH and CONTRACT.fullmatch(contract)
    return contract + check_digit(contract) if is_short else contract


def check_digit(contract: str) -> str:
    """The check digit of the first fourteen characters.

    Each character is four small numbers, two of them modulo 2 and two modulo 3. The sum over all places, each place
    being multiplied once more by a matrix of its own, must be zero; one character at the end makes it so.
    """
    fits = (last for last in ALPHABET if _remainder(contract + last, 2, _twos) == (0, 0))
    return next(last for last in fits if _remainder(contract + last, 3, _threes) == (0, 0))


def _remainder(text: str, modulus: int, read: Callable[[str], Pair]) -> Pair:
    """The matrices are ((0, 1), (1, 1)) modulo 2, ((0, 1), (1, 2)) modulo 3; the last place has the highest power."""
    first = second = 0
    for character in reversed(text):
        one, other = read(character)
        first, second = first + one, second + other
        first, second = second % modulus, (first + second * (modulus - 1)) % modulus
    return first, second


def _twos(character: str) -> Pair:
    return divmod(ALPHABET.index(character) // 9, 2)


def _threes(character: str) -> Pair:
    return divmod(ALPHABET.index(character) % 9, 3)
