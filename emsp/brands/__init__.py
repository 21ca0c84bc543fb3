"""The white labels: look, currency, languages, price policy."""
