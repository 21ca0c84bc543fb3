"""Whether a partner keeps to OCPI: its objects against the field tables, its endpoints against the rules."""
