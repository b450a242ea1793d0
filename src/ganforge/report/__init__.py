"""One page about a run, ``report.html``: a single file that needs no network."""

from ganforge.report.page import write_report

__all__ = ["write_report"]
