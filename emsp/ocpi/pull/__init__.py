"""Partners' lists, fetched: when, how far, page by page."""
