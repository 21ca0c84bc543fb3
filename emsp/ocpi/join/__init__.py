"""Becoming partners: what the other side offers, and the exchange of credentials, begun by either side."""
