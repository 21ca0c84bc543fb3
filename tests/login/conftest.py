"""The same two brands as for accounts."""

from tests.accounts.conftest import brand, other_brand

__all__ = ["brand", "other_brand"]
