# SPDX-License-Identifier: MIT
"""The race sweep: boots of tests/programs/races, what they report, and the coverage of all of
them."""
