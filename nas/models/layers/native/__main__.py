"""Ships native kernels with an installed package, for machines without a compiler.

Without an option they are compiled for every level of processors; with --check, those that this processor can run are
loaded.
"""

import argparse
import platform

from nas.models.layers.native.shipped import LEVELS, check, ship

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--check", action="store_true")
arguments = parser.parse_args()
if platform.machine() != "x86_64":
    print(f"native kernels are shipped for x86-64 only; this is {platform.machine()}")
else:
    if not arguments.check:
        ship()
    none = f"none is shipped that this processor can run (it needs one of {', '.join(LEVELS)})"
    print("\n".join(check()) or none)
