"""The stations in memory: what every search on the map is answered from."""
