"""The tables of the import_rows (declared by their owner)."""
