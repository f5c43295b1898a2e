"""From frames to parts, segments and playlists (RFC 8216bis), and to files."""
