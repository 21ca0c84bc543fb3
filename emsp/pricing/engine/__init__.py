"""A session priced by a tariff: pure, and all that the specification says of it."""
