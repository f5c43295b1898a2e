"""How each connection goes, as plain data, for the quality page, bug reports and Prometheus."""
