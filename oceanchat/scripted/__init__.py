"""The built-in model: free, offline and deterministic."""
