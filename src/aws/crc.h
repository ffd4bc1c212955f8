/* aws/crc.h - the three CRCs of S3: CRC32, CRC32C and CRC64NVME, at the speed of memory where the processor multiplies without carries (PCLMULQDQ).
 *
 * Used by checksum.c. All are reflected, begin and end with ones. Invariant: a value depends on the bytes alone, not on how they are cut into pieces, nor on
 * the processor. Method: V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel, 2009; tables: tools/gen_crc.py.
 */
#ifndef SOLDER_AWS_CRC_H
#define SOLDER_AWS_CRC_H

#include "base/str.h"

#include <stdint.h>

typedef enum AwsCrcKind { AWS_OF_CRC32, AWS_OF_CRC32C, AWS_OF_CRC64NVME } AwsCrcKind;

/* The CRC of what crc is of (0: of nothing) and these bytes behind it. */
uint64_t aws_crc_add(AwsCrcKind kind, uint64_t crc, Str bytes);
/* The same by tables alone, as on processors that lack the instruction. */
uint64_t aws_crc_add_by_table(AwsCrcKind kind, uint64_t crc, Str bytes);
/* The CRC of two pieces one behind the other, from those of the pieces and the length of the second: no byte is read. */
uint64_t aws_crc_of_both(AwsCrcKind kind, uint64_t first, uint64_t second, uint64_t second_size);
/* In bytes. */
unsigned aws_crc_size(AwsCrcKind kind);

#endif
