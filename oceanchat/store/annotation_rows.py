"""The tables of the annotation_rows (declared by their owner)."""
