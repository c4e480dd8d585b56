"""What logs are made of: stamps, heads, messages with their parameters, and the events that messages are."""
