"""Documents for people, typeset and kept as they were sent."""
