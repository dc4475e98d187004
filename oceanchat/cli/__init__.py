"""The `oceanchat` command line, one file a command group."""
