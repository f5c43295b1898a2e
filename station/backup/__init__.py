"""Copies of a running station: encrypted, incremental, to a folder or an S3 store; and the way back."""
