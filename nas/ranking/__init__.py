"""How far a proxy can be trusted: rank correlation with its uncertainty, and which architectures to measure again.

This package imports nothing by itself: numpy and scipy, which the statistics need, would cost most of the HTTP
service's start.
"""
