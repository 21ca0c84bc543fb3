"""A charge, from may-I to paid."""
