"""A bad network in front of the one media port, without root: a pure model of a link, and a UDP relay that obeys it."""
