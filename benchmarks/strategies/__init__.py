"""Compares search strategies on a table of heads: regret against trials and device-seconds."""
