# SPDX-License-Identifier: MIT
"""What tools/mutants.py is made of: the mutants, the tests that must kill them, results, the
report."""
