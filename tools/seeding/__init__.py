# SPDX-License-Identifier: MIT
"""What tools/seeded.py is made of: patches, trees to try them in, the ladder of tests, results, the
page."""
