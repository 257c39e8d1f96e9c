"""The backbone that trials share: warm-up, features and statistics of the features."""
