"""Language models to adapt."""
