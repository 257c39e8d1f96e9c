"""What comes out of training, typed once: measurements, snapshots, statuses, the versions that made them."""
