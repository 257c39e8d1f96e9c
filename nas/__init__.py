"""The engine: spec, store, data, models, training, strategies, ranking."""
