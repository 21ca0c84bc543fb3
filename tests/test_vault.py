"""Secrets at rest, and a change of the key that seals them."""

import base64
import hmac

import pytest

from emsp import vault
from emsp.errors import EmspError, Invalid
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


def test_what_is_signed_is_read_by_whoever_has_the_public_keys() -> None:
    signed = vault.sign_document(b'{"total":"5.45"}', "note+jws")
    keys = vault.public_keys()

    key_id, document = vault.read_document(signed, "note+jws", keys)

    assert document == b'{"total":"5.45"}'
    [key] = keys["keys"]
    assert key == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": key["x"],
        "kid": key_id,
        "use": "sig",
        "alg": "Ed25519",
    }
    assert vault.read_document(signed, "note+jws") == (key_id, document)


def test_that_nobody_can_change_what_is_signed() -> None:
    header, payload, signature = vault.sign_document(b'{"total":"5.45"}', "note+jws").split(".")
    _, other, _ = vault.sign_document(b'{"total":"1.45"}', "note+jws").split(".")
    for forged in (f"{header}.{other}.{signature}", f"{header}.{payload}.", f"{header}.{payload}", "", "x", "a.b.c"):
        with pytest.raises(Invalid, match="not signed by a key that is known here"):
            vault.read_document(forged, "note+jws")


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_that_the_algorithm_is_not_for_the_signer_to_choose(algorithm: str) -> None:
    [key] = vault.public_keys()["keys"]
    header = base64.urlsafe_b64encode(f'{{"alg":"{algorithm}","kid":"{key["kid"]}","typ":"note+jws"}}'.encode())
    signature = hmac.new(key["x"].encode(), header + b".e30", "sha256").digest()
    forged = b".".join((header, b"e30", base64.urlsafe_b64encode(signature))).replace(b"=", b"").decode()
    with pytest.raises(Invalid):
        vault.read_document(forged, "note+jws")


def test_that_one_kind_of_document_is_not_taken_for_another() -> None:
    with pytest.raises(Invalid, match=r"is a note\+jws, not a quote\+jws"):
        vault.read_document(vault.sign_document(b"{}", "note+jws"), "quote+jws")


def test_that_what_was_signed_before_the_key_was_changed_still_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    signed = vault.sign_document(b"{}", "note+jws")
    monkeypatch.setenv("EMSP_SECRET_KEY", "second key")
    _read_anew()
    with pytest.raises(Invalid):
        vault.read_document(signed, "note+jws")

    monkeypatch.setenv("EMSP_FORMER_SECRET_KEYS", "first key")
    _read_anew()

    assert vault.read_document(signed, "note+jws")[1] == b"{}"
    ours = vault.sign_document(b"{}", "note+jws")
    assert [key["kid"] for key in vault.public_keys()["keys"]] == [
        vault.read_document(each, "note+jws")[0] for each in (ours, signed)
    ]
