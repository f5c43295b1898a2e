"""Districts, stations, deputies, terms, seats, constituencies, units: who is responsible for which place."""
