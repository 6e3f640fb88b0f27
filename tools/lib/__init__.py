# SPDX-License-Identifier: MIT
"""What the commands in tools/ and the tests share: paths, settings, ELF files, boots, QEMU's gdb stub.

A command that is started as tools/NAME.py finds this package beside itself.
"""
