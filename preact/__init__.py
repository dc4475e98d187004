"""Train P-React, its baselines and ablations."""
