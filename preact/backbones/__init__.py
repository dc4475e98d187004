"""Language models to adapt: loaded, or the tiny one built on the spot."""
