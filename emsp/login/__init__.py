"""Who a driver is: the token endpoint."""
