"""Charges that a card or a car begins at the charge point: allowed, taken on, paid for."""
