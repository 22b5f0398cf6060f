#!/usr/bin/env python3
"""Holds functions built for arm64 against what Lambda's `provided.al2023` has: its processor and its libraries.

    tests/lambda/linkage.py target/lambda/*/bootstrap

`readelf` tells what a binary needs. It comes with every C compiler and reads binaries of any processor.
"""

import os
import re
import subprocess
import sys

# https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html
GLIBC = (2, 34)

# The runtime is the minimal container image (https://docs.aws.amazon.com/linux/al2023/ug/lambda.html): of all its packages,
# functions may rely on the C library's alone.
LIBRARIES = {
    "ld-linux-aarch64.so.1", "libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1",
}  # fmt: skip


def readelf(binary, *about):
    command = ["readelf", "--wide", *about, binary]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"}).stdout


def wants(binary):
    """What it needs: processor, libraries, and versions of the C library."""
    machine = re.search(r"Machine: +(.*)", readelf(binary, "--file-header"))[1]
    libraries = set(re.findall(r"\(NEEDED\).*\[(.*)\]", readelf(binary, "--dynamic")))
    versions = set(re.findall(r"Name: GLIBC_(\S+)", readelf(binary, "--version-info")))
    return machine, libraries, {tuple(int(part) for part in version.split(".")) for version in versions}


def main(*binaries):
    failed = not binaries
    for binary in binaries:
        machine, libraries, versions = wants(binary)
        newest = ".".join(str(part) for part in max(versions, default=()))
        complaints = []
        if machine != "AArch64":
            complaints.append(f"it is for {machine}")
        if lacking := libraries - LIBRARIES:
            complaints.append(f"it needs {', '.join(sorted(lacking))}")
        # A binary that names no version was not read right: none of ours is linked statically.
        if not versions or max(versions) > GLIBC:
            complaints.append(f"it needs version {newest or '?'} of the C library, and Lambda has {GLIBC[0]}.{GLIBC[1]}")
        print(f"FAILED {binary}: {'; '.join(complaints)}" if complaints else f"ok {binary}: C library {newest}")
        failed |= bool(complaints)
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
