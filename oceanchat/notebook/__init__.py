"""The Python interface of the dataset half."""
