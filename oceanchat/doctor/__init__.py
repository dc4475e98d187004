"""Look whether everything needed is there."""
