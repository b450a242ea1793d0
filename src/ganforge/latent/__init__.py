"""What comes after training: walks through the latents, sums of them, their directions, and questions.

Nothing here reads data or computes a score of its own: what needs a classifier or a feature extractor takes
a callable.
"""
