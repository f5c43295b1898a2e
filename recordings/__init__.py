"""What is kept: write, find, seal, verify. Usable and testable without the station."""
