"""What makes the platform a hub: parties behind it, routing headers, and who is reachable at the moment."""
