"""The tables of the ledger_rows (declared by their owner)."""
