"""What we have seen of charge points over time."""
