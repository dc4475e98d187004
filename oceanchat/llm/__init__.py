"""Language models: requests, answers, costs, the ledger."""
