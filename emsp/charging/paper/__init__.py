"""Receipts and their corrections as documents that people keep."""
