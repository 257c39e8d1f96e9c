from hypothesis import settings

# A slow or busy machine is no failure: time limits are pytest's.
settings.register_profile("segnas", deadline=None)
settings.load_profile("segnas")
