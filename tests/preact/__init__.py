"""The trainer's tests."""
