#!/usr/bin/env python3
"""Writes the tables of S3's CRCs as C: gen/crc_tables.inc (see src/aws/checksum.c).

Usage: gen_crc.py OUTPUT

A CRC's value stands as in its register: reflected, bit 0 the highest power. Row k of a table is what a byte does to the register when k bytes follow it
("slicing by 8"). The multipliers take 16 bytes 64, or 16, bytes ahead: x^(D+63) and x^(D-1) modulo the polynomial for a distance of D bits, reflected in
64 bits (a carry-less product of two reflected words is one power short).
"""

from __future__ import annotations

import sys

# Reflected polynomials, in the order of AwsDigest: CRC32, CRC32C, CRC64NVME.
POLYNOMIALS = ((0xEDB88320, 32), (0x82F63B78, 32), (0x9A6C9329AC4BC9B5, 64))
ROWS = 8
DISTANCES = (512, 128)


def step(value: int, polynomial: int) -> int:
    """Times x."""
    return value >> 1 ^ (polynomial if value & 1 else 0)


def table(polynomial: int) -> list[list[int]]:
    """The rows of one polynomial."""
    first = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = step(value, polynomial)
        first.append(value)
    rows = [first]
    for _ in range(ROWS - 1):
        rows.append([value >> 8 ^ first[value & 0xFF] for value in rows[-1]])
    return rows


def power(exponent: int, polynomial: int, width: int) -> int:
    """x^exponent modulo the polynomial, reflected in 64 bits."""
    value = 1 << (width - 1)
    for _ in range(exponent):
        value = step(value, polynomial)
    return value << (64 - width)


def main(output: str) -> None:
    """Write them all."""
    lines = ["/* Made by tools/gen_crc.py. */", f"static const AwsCrc CRCS[{len(POLYNOMIALS)}] = {{"]
    for polynomial, width in POLYNOMIALS:
        lines.append(f"    {{UINT64_C(0x{polynomial:x}), {width},")
        far, near = ([power(distance + more, polynomial, width) for more in (63, -1)] for distance in DISTANCES)
        lines += [f"     {{UINT64_C(0x{pair[0]:x}), UINT64_C(0x{pair[1]:x})}}," for pair in (far, near)]
        lines.append("     {")
        for row in table(polynomial):
            lines.append("      {" + ", ".join(f"UINT64_C(0x{value:x})" for value in row) + "},")
        lines.append("     }},")
    lines.append("};")
    with open(output, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
