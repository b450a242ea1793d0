"""ganforge: generative adversarial networks on your own data."""
