"""The token endpoint over HTTP."""
