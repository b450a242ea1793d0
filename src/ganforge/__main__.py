"""``python -m ganforge`` is ``gan``."""

import sys

from ganforge.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
