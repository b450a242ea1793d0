"""What can be asked of a run, one file a question: ``gan explore RUN WHAT``."""
