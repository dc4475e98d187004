"""Everything that can speak as a persona."""
