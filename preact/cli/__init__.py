"""The `preact` command line, one file a command group."""
