"""Results of training: measurements, snapshots, statuses, the software versions that produced them."""
