"""Our books held against those of the card processor: every difference by name."""
