"""From what was measured to what is paid: bills, corrections of them, and the money either way."""
