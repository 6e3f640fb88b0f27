# SPDX-License-Identifier: MIT
"""processor.py - facts of the processor that the host's tools know by themselves, so that they do
not believe the kernel which they check."""

# These vectors push an error code (SDM vol. 3A, table 6-1; 29 and 30 are #VC and #SX, AMD's).
ERROR_CODE_VECTORS = frozenset((8, 10, 11, 12, 13, 14, 17, 21, 29, 30))
