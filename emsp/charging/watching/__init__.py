"""What should have gone on long ago: asked about, taken up again, or shown to support."""
