"""Points for drivers who come back."""
