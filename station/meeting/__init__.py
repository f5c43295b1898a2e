"""Who may enter, be seen, speak: lobby, room, recording, matters; signs grants."""
