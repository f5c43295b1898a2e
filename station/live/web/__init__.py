"""Broadcasts as the web role knows them: rows, pages, the client of the live role."""
