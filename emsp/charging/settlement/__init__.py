"""What we owe operators month by month, their invoices held against it, and what is left of what drivers pay."""
