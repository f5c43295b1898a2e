"""Accounts, roles and rights as one table, sign-in, consent."""
