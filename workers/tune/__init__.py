"""Ray Tune, led by what the driver knows: its event loop, its callbacks, all of its private parts."""
