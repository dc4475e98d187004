"""The scripted model behind a real endpoint, with faults to order."""
