/* number_text.h - numbers as Java writes and reads them.
 *
 * Shared by the kernels that round, cast and format. Invariant: a double's digits are the shortest that give it back.
 */
#ifndef SOLDER_KERNELS_NUMBER_TEXT_H
#define SOLDER_KERNELS_NUMBER_TEXT_H

#include "base/str.h"

/* value = 0.text × 10^exponent, text without leading zeros; count 0 is zero. */
typedef struct KnDigits {
    char text[20];
    int count;
    int exponent;
    bool is_negative;
} KnDigits;

void kn_digits_of_double(double x, KnDigits *ret_digits); /* x is finite */
void kn_digits_increment(KnDigits *digits);               /* one unit of the last place */
double kn_digits_to_double(const KnDigits *digits);

/* Double.toString and Float.toString into at least 32 bytes; the length. */
size_t kn_double_text(double x, char *ret_text);
size_t kn_float_text(float x, char *ret_text);

/* Long.parseLong, Double.parseDouble and Float.parseFloat, which the readers of files go by; false: no such number. */
bool kn_java_long(Str text, int64_t *ret_value);
bool kn_java_double(Str text, double *ret_value);
bool kn_java_float(Str text, float *ret_value);

/* Spark's string casts; false gives null. They take more words for infinity and NaN than Java does. */
bool kn_parse_double(Str text, double *ret_value);
bool kn_parse_float(Str text, float *ret_value);
/* legacy: a fraction is dropped; exact (try_cast): only digits. */
bool kn_parse_long(Str text, bool allows_fraction, int64_t *ret_value);
/* White space and control characters at both ends, as UTF8String.trimAll. */
Str kn_trim_all(Str text);

/* A decimal number's text as unscaled value at the wanted scale, rounded HALF_UP; false when it is no number or has more than 38 digits. */
bool kn_parse_decimal(Str text, int scale, __int128 *ret_value);
/* Precision and scale of a text as java.math.BigDecimal has them; false: no number, or a scale that Java does not hold. */
bool kn_decimal_shape(Str text, int *ret_precision, int *ret_scale);
/* Multiplies or divides (HALF_UP) by powers of ten; false on overflow of 38 digits. */
bool kn_rescale(__int128 value, int from_scale, int to_scale, __int128 *ret_value);
/* |value| < 10^precision */
bool kn_fits(__int128 value, int precision);
extern const __int128 kn_power_of_ten[39];
/* Digits with the point, no exponent, into at least 48 bytes; the length. */
size_t kn_decimal_text(__int128 value, int scale, char *ret_text);
/* BigDecimal.toString: as above, but with an exponent when the value is below 10^-6. */
size_t kn_big_decimal_text(__int128 value, int scale, char *ret_text);
/* Digits of a number, with zeros in front up to a width, into at least 24 bytes (or the width); the length. */
size_t kn_padded_text(int64_t value, int width, char *ret_text);

#endif
