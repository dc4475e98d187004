"""Programs of a cluster that this machine has not, small enough to do what is asked of them here."""
