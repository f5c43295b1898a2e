"""Hearings as a clerk runs them."""
