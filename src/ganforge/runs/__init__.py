"""The run folder: write, read, verify, and load a Sampler from it."""
