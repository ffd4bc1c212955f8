/* aws/model.h - the AWS service models as tables: services, operations, shapes, members, errors.
 *
 * Generated from botocore's models by tools/gen_aws.py (gen/aws_model.inc, read by model.c): every operation by name and route; shapes only as far as the
 * operations of spec/aws/supported.tsv reach them. Invariant: indices stand for themselves in the tables; nothing here changes at run time.
 */
#ifndef SOLDER_AWS_MODEL_H
#define SOLDER_AWS_MODEL_H

#include "base/str.h"

typedef enum AwsProtocol { AWS_JSON, AWS_QUERY, AWS_REST_XML } AwsProtocol;

typedef enum AwsKind {
    AWS_STRUCTURE,
    AWS_LIST,
    AWS_MAP,
    AWS_STRING,
    AWS_INTEGER,
    AWS_LONG,
    AWS_FLOAT,
    AWS_DOUBLE,
    AWS_BOOLEAN,
    AWS_TIMESTAMP,
    AWS_BLOB
} AwsKind;

typedef enum AwsPlace { AWS_IN_BODY, AWS_IN_HEADER, AWS_IN_HEADERS, AWS_IN_QUERY, AWS_IN_URI, AWS_IN_STATUS } AwsPlace;

typedef enum AwsTimeFormat { AWS_TIME_DEFAULT, AWS_TIME_ISO, AWS_TIME_HTTP, AWS_TIME_EPOCH } AwsTimeFormat;

enum { AWS_NO_SHAPE = 0xFFFF };

typedef struct AwsMember {
    const char *name;
    const char *wire_name; /* locationName; NULL: the name */
    uint16_t shape;
    uint8_t place; /* AwsPlace */
    bool is_required, is_streaming, is_attribute;
    uint8_t time_format; /* AwsTimeFormat */
} AwsMember;

typedef struct AwsShape {
    uint8_t kind; /* AwsKind */
    bool is_flattened;
    uint8_t time_format;
    uint16_t element, key;   /* lists; maps: value and key */
    const char *element_name, *key_name, *value_name; /* on the wire; NULL: member, key, value */
    uint32_t first_member;   /* structures */
    uint16_t nmembers;
    const char *payload;     /* structures: the member that is the body; NULL: none */
    bool has_min, has_max;
    int64_t min, max;        /* lengths, or values of numbers */
    const char *pattern;     /* PCRE2; NULL: none */
    uint32_t first_value;    /* enum */
    uint16_t nvalues;
} AwsShape;

/* What tells an operation of a REST protocol from its neighbours: a query parameter or a header that must be there. */
typedef struct AwsMark {
    const char *name;
    const char *value; /* of a fixed query parameter ("list-type=2"); NULL: any */
    bool is_header;
} AwsMark;

typedef struct AwsErrorShape {
    const char *code;
    uint16_t status; /* 0: not said */
    bool is_sender;
} AwsErrorShape;

typedef struct AwsOperation {
    uint8_t service; /* index of AwsService */
    const char *name;
    const char *method; /* REST */
    uint8_t level;      /* REST: 0 service, 1 bucket, 2 object */
    uint32_t first_mark;
    uint8_t nmarks;
    bool is_supported;
    uint16_t input, output; /* AWS_NO_SHAPE: none */
    uint16_t status;        /* of success */
    const char *root;       /* REST-XML: the answer's root element; NULL: the output's payload member */
    const char *result_wrapper; /* query */
} AwsOperation;

typedef struct AwsService {
    const char *name;          /* "glue" */
    AwsProtocol protocol;
    const char *target_prefix; /* "AWSGlue"; NULL: not JSON */
    const char *signing_name;  /* "elasticmapreduce" */
    const char *version;
    const char *xml_namespace; /* NULL: none */
    uint32_t first_operation;
    uint16_t noperations;
    uint32_t first_error;
    uint16_t nerrors;
} AwsService;

const AwsService *aws_services(size_t *ret_count);
const AwsService *aws_service_of(const AwsOperation *operation);
const AwsOperation *aws_operations(const AwsService *service); /* its first; service->noperations follow */
const AwsOperation *aws_operation_find(const AwsService *service, Str name);
/* The operation of a request to a REST service: the one whose marks are all there, and most of them. NULL: none has this method and level. */
const AwsOperation *aws_operation_of_route(const AwsService *service, Str method, int level, bool (*has_mark)(const void *self, const AwsMark *mark),
                                           const void *self);
const AwsShape *aws_shape(uint16_t index); /* NULL for AWS_NO_SHAPE */
size_t aws_shape_count(void);
const AwsMember *aws_members(const AwsShape *shape);
const AwsMember *aws_member_find(const AwsShape *shape, Str name);
const char *aws_member_wire_name(const AwsMember *member);
const char *aws_enum_value(const AwsShape *shape, size_t i);
/* Status of an error's code: of the service's model, else of spec/aws/errors.tsv, else 400. */
int aws_error_status(const AwsService *service, Str code);

#endif
