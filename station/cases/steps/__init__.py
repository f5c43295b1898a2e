"""The steps that change a case, one transaction each."""
