"""Bring a corpus into the store once: essays and their sentences, under the fingerprint of both.

A corpus that is complete in the store is not read again. An interrupted reading leaves no corpus row and is
begun anew, so a corpus in the store is always whole.
"""



ESSAYS_AT_ONCE = 100
"""Essays segmented and stored in one transaction, so that memory does not grow with the corpus."""
