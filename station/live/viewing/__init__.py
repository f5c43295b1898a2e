"""What the live role and the edge in web both know of viewers: how they ask, and how many they are."""
