"""Make a virtual environment, and say what is missing where that cannot be done."""

import sys
import venv

if sys.version_info < (3, 11):  # noqa: UP036  an older Python must hear why
    sys.exit(
        f"ganforge needs Python 3.11 or newer; this is {sys.version.split()[0]}. "
        "Name a newer one: make setup PYTHON=python3.12"
    )
try:
    venv.create(sys.argv[1], with_pip=True)
except Exception as error:
    sys.exit(f"cannot make a virtual environment ({error}); on Debian and Ubuntu: apt install python3-venv")
