"""Who means harm: what nodes do with others' mail, what they send, and as how many they appear."""
