"""Drivers, sign-in codes and tokens, brands and fleets' members, on a real database."""
