"""From a release to batches of token ids."""
