"""`python -m station` is the same program as `station`."""

from station.cli import main

main()
