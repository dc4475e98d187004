"""Accounts, assignment, qualification, labels and figures of human validation, without a page."""
