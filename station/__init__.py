"""The online deputy liaison station (网上代表联络站)."""
