"""The one door to language models and what stands behind it."""
