# SPDX-License-Identifier: MIT
"""An entry path under fire, from the host's side: boots, coverage, exemptions, machine checks."""
