"""The embedded default model: free, offline, deterministic, plainly labelled."""
