/* plan/settings.h - a session's settings (spark.conf), with Spark's defaults from spec/settings.tsv.
 *
 * Read by analyze/ and lower/ (time zone, ANSI, case sensitivity), written by connect/ (the Config RPC).
 * Invariant: one owner (the session); readers hold the session's lock or a copy.
 */
#ifndef SOLDER_PLAN_SETTINGS_H
#define SOLDER_PLAN_SETTINGS_H

#include "base/err.h"
#include "base/map.h"

typedef struct PlSettings {
    Arena *arena;
    Map values; /* key → Str * */
} PlSettings;

void pl_settings_init(PlSettings *ret_settings, Arena *arena);
/* The value set, else the default of spec/settings.tsv; false: neither. */
bool pl_settings_get(const PlSettings *settings, Str key, Str *ret_value);
/* Checks a known key's value (boolean, integer, time zone); refuses static settings as Spark does (CANNOT_MODIFY_CONFIG). */
bool pl_settings_set(PlSettings *settings, Str key, Str value, Err *err);
void pl_settings_unset(PlSettings *settings, Str key);
/* Whether the key may be changed at run time (RuntimeConfig.isModifiable). */
bool pl_settings_is_modifiable(Str key);
bool pl_settings_bool(const PlSettings *settings, Str key); /* false when absent */
/* A copy in another arena, for one request. */
void pl_settings_copy(PlSettings *ret_copy, Arena *arena, const PlSettings *settings);

#endif
