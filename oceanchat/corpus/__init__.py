"""Essays: read, cleaned, split into sentences and kept."""
