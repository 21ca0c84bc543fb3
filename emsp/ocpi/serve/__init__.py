"""What partners ask of us: a file per module, reached through the server."""
