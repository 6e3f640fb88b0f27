# SPDX-License-Identifier: MIT
"""vmeasure - host side of the comparison: run, trace, count, report."""
