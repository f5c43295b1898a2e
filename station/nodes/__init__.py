"""The media processes as web and work see them: which one holds a room, its journal, its control interface."""
