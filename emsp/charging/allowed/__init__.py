"""Whether a driver may charge here and now, who pays, and how much of it is held."""
