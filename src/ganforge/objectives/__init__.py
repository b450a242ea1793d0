"""What players are asked to achieve: adversarial losses, penalties and augmentation.

Pure functions of tensors. Nothing here steps an optimiser or writes a log, and the only state is in
declared buffers. Nothing is re-exported: ``objectives.adversarial``, ``penalties`` and ``augment``.
"""
