"""Tests of the `preact` command line."""
