"""The trainer: P-React, its baselines and ablations, and what is measured on them."""
