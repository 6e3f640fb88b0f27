# SPDX-License-Identifier: MIT
"""The proof that entry text touches only what its table maps, over the linked image. Theory:
entry/README.md."""
