"""What the eMSP can ask of charge points: commands, charging preferences and charging profiles."""
