"""Tests of the evaluation half."""
