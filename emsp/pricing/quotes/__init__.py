"""Prices of charges that have not begun: quotes with their worst case and evidence, and prices to search by."""
