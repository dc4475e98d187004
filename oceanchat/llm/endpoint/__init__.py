"""Models behind an OpenAI-compatible endpoint, live or in batches."""
