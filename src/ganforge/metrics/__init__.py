"""Is it working? Scores as pure functions of examples, each with its floor, its interval and its protocol.

``evaluate.evaluate`` puts them together; every other module can be used alone. Nothing here reads a run
folder or prints. Statistics are float64 and do not depend on the batch size.
"""
