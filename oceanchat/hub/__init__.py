"""The Hugging Face Hub: datasets read from it, folders published on it."""
