"""Charges that are billed and not paid."""
