"""Records SegHeads-Bench: trains heads with several seeds on two data sets, through the service, into one table."""
