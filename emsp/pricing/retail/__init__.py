"""What a brand makes of the operator's price: markups, fees, own prices, plans, currencies."""
