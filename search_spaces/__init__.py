"""What can be searched: plain descriptions, sampling, mutation, JSON documents. No torch, nothing of ours."""
