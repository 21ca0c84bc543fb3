"""Secrets at rest, and a change of the key that seals them."""

import pytest

from emsp import vault
from emsp.errors import EmspError
from emsp.settings import settings


@pytest.fixture(autouse=True)
def _keys_of_each_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMSP_SECRET_KEY", "first key")
    _read_anew()


def _read_anew() -> None:
    settings.cache_clear()
    vault._key.cache_clear()


def test_a_key_is_changed_without_losing_what_it_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = vault.seal("token C")
    monkeypatch.setenv("EMSP_SECRET_KEY", "second key")
    monkeypatch.setenv("EMSP_FORMER_SECRET_KEYS", "older still, first key")
    _read_anew()

    assert vault.unseal(sealed) == "token C"
    resealed = vault.reseal(sealed)
    monkeypatch.delenv("EMSP_FORMER_SECRET_KEYS")
    _read_anew()
    assert vault.unseal(resealed) == "token C"
    with pytest.raises(EmspError, match="EMSP_SECRET_KEY is not the key"):
        vault.unseal(sealed)
