"""What our drivers' charges tell of the charge points themselves."""
