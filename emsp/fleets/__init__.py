"""Who pays for whom, and one bill for it."""
