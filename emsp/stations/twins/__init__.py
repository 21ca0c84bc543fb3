"""The same charge point published by several partners is one pin."""
