"""Drivers, and how we know who they are."""
