"""The edge for card payments."""
