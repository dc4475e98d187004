"""What a sceptic asks of a system."""
