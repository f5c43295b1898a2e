"""The State Council's yearly notice on holidays, put in by an administrator before the packages know it."""
