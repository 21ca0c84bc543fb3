"""The companies we roam with."""
