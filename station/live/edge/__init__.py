"""What stands between viewers and the live role: one request for all who wait for the same."""
