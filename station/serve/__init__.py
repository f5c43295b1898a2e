"""Starting the station: one process a role, watched and brought back when it dies."""
