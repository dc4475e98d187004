"""Human validation, without a page.

Accounts, assignment, qualification, labels and figures.
"""
