"""Models behind OpenAI-compatible endpoints, live or batched."""
