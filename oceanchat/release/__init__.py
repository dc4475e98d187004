"""From the store to a folder that `datasets.load_dataset` reads, and from there to the Hub."""
