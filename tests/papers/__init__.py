"""Documents that people keep."""
