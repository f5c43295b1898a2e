"""Benchmarks: each module is a program with a table as its output."""
