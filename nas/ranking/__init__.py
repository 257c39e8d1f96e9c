"""How far a proxy can be trusted: rank correlation with its uncertainty, and how to choose what to re-measure.

Nothing is imported here: numpy and scipy, which the statistics need, would take most of the HTTP service's start.
"""
