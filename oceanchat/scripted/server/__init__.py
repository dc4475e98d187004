"""The scripted endpoint and its faults."""
