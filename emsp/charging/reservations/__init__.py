"""Charge points kept free for a driver."""
