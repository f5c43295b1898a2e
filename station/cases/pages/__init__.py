"""Handlers of cases: the public's, the clerk's, the unit's and the supervisor's."""
