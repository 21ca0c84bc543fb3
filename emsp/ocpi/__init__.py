"""The edge for Charge Point Operators and hubs; every OCPI word stays in here."""
