"""Photos that go with a matter: taken in as data that may lie, kept as pictures that cannot."""
