"""The edge for people with a browser, and for whoever watches over the service."""
