"""The Ray cluster from outside: jobs by HTTP, a local cluster's processes."""
