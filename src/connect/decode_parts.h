/* connect/decode_parts.h - what the decoder's files share among themselves. Everybody else includes decode.h. */
#ifndef SOLDER_CONNECT_DECODE_PARTS_H
#define SOLDER_CONNECT_DECODE_PARTS_H

#include "connect/decode.h"
#include "connect/wire.h"

/* A relation with one input; NULL and err set when the input cannot be decoded. */
PrRel *cn_decode_rel(const CnDecode *decode, PrTag tag, const Spark__Connect__Relation *input, Err *err);
/* A leaf. */
PrRel *cn_decode_rel_new(Arena *arena, PrTag tag);
PxExpr *cn_decode_expr_new(Arena *arena, PxTag tag);
bool cn_decode_exprs(const CnDecode *decode, size_t n, Spark__Connect__Expression **expressions, const PxExpr ***ret_exprs, Err *err);
const Str *cn_decode_strs(Arena *arena, size_t n, const ProtobufCBinaryData *strings);
const PxExpr *cn_decode_sort(const CnDecode *decode, const Spark__Connect__Expression__SortOrder *order, Err *err);
const PrRel *cn_decode_stat(const CnDecode *decode, const Spark__Connect__Relation *relation, Err *err);
const PrRel *cn_decode_catalog(const CnDecode *decode, const Spark__Connect__Catalog *catalog, Err *err);

#endif
