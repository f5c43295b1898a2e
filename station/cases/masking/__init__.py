"""Finding personal data in what people write, in whatever spelling."""
