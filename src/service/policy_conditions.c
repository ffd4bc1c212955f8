/* policy_conditions.c - the Condition of a policy's statement; see policy.h. An operator is a row.
 *
 * Sources: IAM User Guide, "Condition operators", "Multivalued context keys". Of several blocks all must hold, of several values of a block one must
 * match (of a negated operator: none).
 */
#include "service/policy.h"

#include "aws/request.h"
#include "service/json_members.h"

#include <arpa/inet.h>
#include <string.h>

typedef enum Kind { TEXT, ANY_CASE, PATTERN, NUMBER, DATE, TRUTH, NETWORK, ARN, ABSENCE } Kind;
typedef enum Order { EQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL } Order;
typedef enum Set { NO_SET, FOR_ALL_VALUES, FOR_ANY_VALUE } Set;

typedef struct Operator {
    const char *name;
    Kind kind;
    Order order;
    bool is_negated;
} Operator;

static const Operator OPERATORS[] = {
    {"StringEquals", TEXT, EQUAL, false},
    {"StringNotEquals", TEXT, EQUAL, true},
    {"StringEqualsIgnoreCase", ANY_CASE, EQUAL, false},
    {"StringNotEqualsIgnoreCase", ANY_CASE, EQUAL, true},
    {"StringLike", PATTERN, EQUAL, false},
    {"StringNotLike", PATTERN, EQUAL, true},
    {"NumericEquals", NUMBER, EQUAL, false},
    {"NumericNotEquals", NUMBER, EQUAL, true},
    {"NumericLessThan", NUMBER, LESS, false},
    {"NumericLessThanEquals", NUMBER, LESS_OR_EQUAL, false},
    {"NumericGreaterThan", NUMBER, GREATER, false},
    {"NumericGreaterThanEquals", NUMBER, GREATER_OR_EQUAL, false},
    {"DateEquals", DATE, EQUAL, false},
    {"DateNotEquals", DATE, EQUAL, true},
    {"DateLessThan", DATE, LESS, false},
    {"DateLessThanEquals", DATE, LESS_OR_EQUAL, false},
    {"DateGreaterThan", DATE, GREATER, false},
    {"DateGreaterThanEquals", DATE, GREATER_OR_EQUAL, false},
    {"Bool", TRUTH, EQUAL, false},
    {"BinaryEquals", TEXT, EQUAL, false},
    {"IpAddress", NETWORK, EQUAL, false},
    {"NotIpAddress", NETWORK, EQUAL, true},
    {"ArnEquals", ARN, EQUAL, false},
    {"ArnNotEquals", ARN, EQUAL, true},
    {"ArnLike", ARN, EQUAL, false},
    {"ArnNotLike", ARN, EQUAL, true},
    {"Null", ABSENCE, EQUAL, false},
};

/* "ForAnyValue:StringLikeIfExists" taken apart; NULL: no such operator. */
static const Operator *operator_of(Str name, Set *ret_set, bool *ret_if_exists) {
    static const Str FOR_ALL = {"ForAllValues:", 13};
    static const Str FOR_ANY = {"ForAnyValue:", 12};
    static const Str IF_EXISTS = {"IfExists", 8};
    *ret_set = str_starts_with(name, FOR_ALL) ? FOR_ALL_VALUES : str_starts_with(name, FOR_ANY) ? FOR_ANY_VALUE : NO_SET;
    name = str_slice(name, *ret_set == FOR_ALL_VALUES ? FOR_ALL.len : *ret_set == FOR_ANY_VALUE ? FOR_ANY.len : 0, name.len);
    *ret_if_exists = str_ends_with(name, IF_EXISTS);
    name = *ret_if_exists ? str_slice(name, 0, name.len - IF_EXISTS.len) : name;
    for (size_t i = 0; i < sizeof OPERATORS / sizeof OPERATORS[0]; i++) {
        if (str_eq_nocase(name, str_from_c(OPERATORS[i].name))) {
            return OPERATORS[i].kind == ABSENCE && *ret_if_exists ? NULL : &OPERATORS[i];
        }
    }
    return NULL;
}

bool policy_is_operator(Str name) {
    Set set;
    bool if_exists = false;
    return operator_of(name, &set, &if_exists) != NULL;
}

bool policy_operator_requires(Str name) {
    Set set;
    bool if_exists = false;
    const Operator *operator = operator_of(name, &set, &if_exists);
    return operator != NULL && !operator->is_negated && !if_exists && set != FOR_ALL_VALUES &&
           (operator->kind == TEXT || operator->kind == ANY_CASE || operator->kind == PATTERN || operator->kind == ARN || operator->kind == NETWORK);
}

/* ---- one value against one ---- */

static bool in_order(Order order, double left, double right) {
    switch (order) {
    case EQUAL: return left == right;
    case LESS: return left < right;
    case LESS_OR_EQUAL: return left <= right;
    case GREATER: return left > right;
    case GREATER_OR_EQUAL: return left >= right;
    }
    return false;
}

/* A date alone is its first second. */
static bool read_date(Arena *arena, Str text, double *ret_seconds) {
    bool is_day = text.len == 10 && text.data[4] == '-' && text.data[7] == '-';
    return aws_time_parse(is_day ? str_fmt(arena, "%.*sT00:00:00Z", STR_ARG(text)) : text, ret_seconds);
}

typedef struct Network {
    unsigned char address[16];
    bool is_v6;
    int bits;
} Network;

static bool read_network(Str text, Network *ret_network) {
    char copy[INET6_ADDRSTRLEN + 4];
    const char *slash = text.len == 0 ? NULL : memchr(text.data, '/', text.len);
    size_t at = slash == NULL ? text.len : (size_t)(slash - text.data);
    int64_t bits = 0;
    if (at == 0 || at >= sizeof copy || (slash != NULL && !str_to_i64(str_slice(text, at + 1, text.len), &bits))) {
        return false;
    }
    memcpy(copy, text.data, at);
    copy[at] = '\0';
    *ret_network = (Network){.is_v6 = memchr(copy, ':', at) != NULL};
    if (inet_pton(ret_network->is_v6 ? AF_INET6 : AF_INET, copy, ret_network->address) != 1) {
        return false;
    }
    int most = ret_network->is_v6 ? 128 : 32;
    ret_network->bits = slash == NULL ? most : (int)bits;
    return slash == NULL || (bits >= 0 && bits <= most);
}

bool policy_is_network(Str text, bool *ret_is_v6, int *ret_bits) {
    Network network;
    bool ok = read_network(text, &network);
    *ret_is_v6 = ok && network.is_v6;
    *ret_bits = ok ? network.bits : 0;
    return ok;
}

static bool is_in_network(Str wanted, Str given) {
    Network network;
    Network address;
    if (!read_network(wanted, &network) || !read_network(given, &address) || network.is_v6 != address.is_v6) {
        return false;
    }
    size_t whole = (size_t)network.bits / 8;
    int rest = network.bits % 8;
    return memcmp(network.address, address.address, whole) == 0 &&
           (rest == 0 || ((network.address[whole] ^ address.address[whole]) & (0xFF << (8 - rest)) & 0xFF) == 0);
}

/* The next of an ARN's six parts; the last is all that is left. */
static Str next_part(Str *rest, int number) {
    const char *colon = number == 5 || rest->len == 0 ? NULL : memchr(rest->data, ':', rest->len);
    size_t at = colon == NULL ? rest->len : (size_t)(colon - rest->data);
    Str part = str_slice(*rest, 0, at);
    *rest = str_slice(*rest, at + 1, rest->len);
    return part;
}

/* Part by part: a star does not reach over a colon before the last, unless it is all there is. */
static bool arn_matches(Str pattern, Str arn) {
    if (pattern.len == 1) {
        return policy_matches(pattern, arn, false);
    }
    bool ok = true;
    for (int i = 0; ok && i < 6; i++) {
        Str wanted = next_part(&pattern, i);
        ok = policy_matches(wanted, next_part(&arn, i), false);
    }
    return ok;
}

static bool value_matches(const Operator *operator, const PolicyContext *context, bool has_variables, Str wanted, Str given) {
    double left = 0;
    double right = 0;
    Str pattern;
    bool has_wildcards = operator->kind == PATTERN || operator->kind == ARN;
    if (!policy_expand(context->arena, has_variables ? context : NULL, wanted, has_wildcards, &pattern)) {
        return false;
    }
    switch (operator->kind) {
    case TEXT:
    case PATTERN: return policy_matches(pattern, given, false);
    case ANY_CASE:
    case TRUTH: return policy_matches(pattern, given, true);
    case NUMBER: return str_to_double(given, &left) && str_to_double(pattern, &right) && in_order(operator->order, left, right);
    case DATE: return read_date(context->arena, given, &left) && read_date(context->arena, pattern, &right) && in_order(operator->order, left, right);
    case NETWORK: return is_in_network(pattern, given);
    case ARN: return arn_matches(pattern, given);
    case ABSENCE: return false;
    }
    return false;
}

/* ---- blocks ---- */

/* Documents may have numbers and booleans where texts are meant. */
static Str text_of(Arena *arena, yyjson_val *value) {
    if (yyjson_is_bool(value)) {
        return yyjson_get_bool(value) ? STR("true") : STR("false");
    }
    return yyjson_is_num(value) ? js_write_val(arena, value) : js_text(value);
}

typedef struct Block {
    const Operator *operator;
    const PolicyContext *context;
    bool has_variables;
    yyjson_val *wanted;
} Block;

static bool value_holds(const Block *block, Str given) {
    bool any = false;
    for (size_t i = 0; !any && i < policy_count(block->wanted); i++) {
        Str wanted = text_of(block->context->arena, policy_item(block->wanted, i));
        any = value_matches(block->operator, block->context, block->has_variables, wanted, given);
    }
    return any != block->operator->is_negated;
}

static bool block_holds(const Block *block, Str key, Set set, bool if_exists) {
    const Str *values = NULL;
    size_t count = block->context->values(block->context->self, key, &values);
    if (block->operator->kind == ABSENCE) {
        bool holds = policy_count(block->wanted) > 0;
        for (size_t i = 0; holds && i < policy_count(block->wanted); i++) {
            holds = str_eq_nocase(text_of(block->context->arena, policy_item(block->wanted, i)), count == 0 ? STR("true") : STR("false"));
        }
        return holds;
    }
    if (count == 0) {
        return if_exists || set == FOR_ALL_VALUES || (set == NO_SET && block->operator->is_negated);
    }
    size_t held = 0;
    for (size_t i = 0; i < count; i++) {
        held += value_holds(block, values[i]) ? 1 : 0;
    }
    return set == FOR_ALL_VALUES || block->operator->is_negated ? (set == FOR_ANY_VALUE ? held > 0 : held == count) : held > 0;
}

/* An operator that nobody knows does not hold: policy_check lets none pass. */
bool policy_conditions_hold(yyjson_val *conditions, const PolicyContext *context, bool has_variables) {
    size_t i;
    size_t count;
    yyjson_val *name;
    yyjson_val *keys;
    bool holds = true;
    if (!yyjson_is_obj(conditions)) {
        return conditions == NULL;
    }
    yyjson_obj_foreach(conditions, i, count, name, keys) {
        Set set;
        bool if_exists = false;
        Block block = {.operator = operator_of(js_text(name), &set, &if_exists), .context = context, .has_variables = has_variables};
        size_t k;
        size_t size;
        yyjson_val *key;
        holds = holds && block.operator != NULL && yyjson_is_obj(keys);
        yyjson_obj_foreach(keys, k, size, key, block.wanted) {
            holds = holds && block_holds(&block, policy_key_name(context->arena, js_text(key)), set, if_exists);
        }
    }
    return holds;
}
