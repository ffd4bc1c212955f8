/* utf8.h - text that should be UTF-8: whether it is, and made so.
 *
 * Invariant: what counts as one wrong sequence, and becomes one U+FFFD, is what it is for Java's decoder, which is Spark's.
 */
#ifndef SOLDER_BASE_UTF8_H
#define SOLDER_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool utf8_is_valid(const char *data, size_t size);
/* data with each wrong sequence replaced by U+FFFD; out has room for 3 × size bytes. Returns the length. */
size_t utf8_repair(const char *data, size_t size, char *out);

#endif
