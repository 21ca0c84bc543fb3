"""What drivers see on the map."""
