"""What a charge costs: tariffs, the engine that prices a session, the retail price, and its words."""
