"""Encoders that somebody else trained: found by name, read without running their code, with their preprocessing."""
