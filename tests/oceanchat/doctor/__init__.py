"""Tests of oceanchat.doctor."""
