# SPDX-License-Identifier: MIT
"""What a guest that hangs is doing, read from outside: its CPUs, its threads, and what each waits
for."""
