"""What every room speaks: spaces, batches, turns, chance, priors, recipes, samplers and errors.

This room imports no other. Nothing is re-exported here, so that a name costs only what it needs:
``ganforge.core.space``, ``errors`` and ``recipe`` do not import torch.
"""
