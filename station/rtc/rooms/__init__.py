"""Rooms, members and their messages; frames for the recorder and the broadcast; the journal."""
