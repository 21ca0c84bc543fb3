"""The main job, played before your eyes: real processes on this machine, one driver's charge, one fleet's bill."""
