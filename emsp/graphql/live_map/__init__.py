"""Telling thousands of watchers of the map what changes, each payload made once for all who asked the same."""
