"""How this platform and an eMSP get to know each other, in either direction and in every version."""
