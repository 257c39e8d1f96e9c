"""The layout `folder`: any images with masks, described by what `segnas data add` saw and wrote down."""
