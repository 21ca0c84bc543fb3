"""Tariffs, lines, assumptions and verdicts in sentences for people."""
