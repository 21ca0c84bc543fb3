"""What we ask of partners, and the tokens that we give them."""
