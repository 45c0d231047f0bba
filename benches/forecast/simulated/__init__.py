"""Simulated histories for the benchmark of the forecast."""
