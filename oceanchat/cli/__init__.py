"""The `oceanchat` command line."""
