"""The Python interface of the training half."""
