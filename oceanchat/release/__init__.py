"""From the store to a folder for `load_dataset`."""
