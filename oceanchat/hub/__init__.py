"""Exchange data with the Hugging Face Hub."""
