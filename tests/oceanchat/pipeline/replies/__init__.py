"""Tests of oceanchat.pipeline.replies."""
