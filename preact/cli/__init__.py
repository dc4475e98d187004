"""The `preact` command line."""
