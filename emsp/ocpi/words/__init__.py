"""OCPI's words: messages of the newest version, the older ones raised to it, and what they mean in ours."""
