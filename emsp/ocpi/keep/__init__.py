"""What partners sent, kept as received; what became of it; what is gone again."""
