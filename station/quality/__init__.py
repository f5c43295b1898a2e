"""How the connections of a meeting go, said in words."""
