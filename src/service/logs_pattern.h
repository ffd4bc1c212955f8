/* service/logs_pattern.h - FilterLogEvents' filterPattern for text: terms, "phrases", ?any of these, -none of these.
 *
 * CloudWatch's rules: terms are looked for anywhere in the message, in their case; ?terms count only when there are no others. Patterns over JSON
 * ({ … }), over fields ([ … ]) and regular expressions (%…%) are refused by name.
 */
#ifndef SOLDER_SERVICE_LOGS_PATTERN_H
#define SOLDER_SERVICE_LOGS_PATTERN_H

#include "base/err.h"

typedef enum LgTermKind { LG_REQUIRED, LG_OPTIONAL, LG_EXCLUDED } LgTermKind;

typedef struct LgTerm {
    LgTermKind kind;
    Str text;
} LgTerm;

typedef struct LgPattern {
    const LgTerm *terms;
    size_t count;
} LgPattern;

bool lg_pattern_parse(Arena *arena, Str text, LgPattern *ret_pattern, Err *err);
bool lg_pattern_matches(const LgPattern *pattern, Str message);

#endif
