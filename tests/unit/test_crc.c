/* test_crc.c - S3's CRCs: the catalogue's check values; folded, by tables, in pieces and joined they are the same. */
#include "aws/crc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_check_values(void **state) {
    (void)state;
    assert_int_equal(aws_crc_add(AWS_OF_CRC32, 0, STR("123456789")), 0xcbf43926);
    assert_int_equal(aws_crc_add(AWS_OF_CRC32C, 0, STR("123456789")), 0xe3069283);
    assert_int_equal(aws_crc_add(AWS_OF_CRC64NVME, 0, STR("123456789")), UINT64_C(0xae8b14860a799888));
}

static void test_all_ways_agree(void **state) {
    enum { MOST = 700 };
    char bytes[MOST + 16];
    uint32_t random = 1;
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        random = random * 1664525u + 1013904223u;
        bytes[i] = (char)(random >> 24);
    }
    for (AwsCrcKind kind = AWS_OF_CRC32; kind <= AWS_OF_CRC64NVME; kind++) {
        for (size_t len = 0; len <= MOST; len++) {
            Str whole = {bytes + len % 16, len};
            uint64_t wanted = aws_crc_add_by_table(kind, 0, whole);
            size_t cut = len * 2 / 5;
            uint64_t first = aws_crc_add(kind, 0, str_slice(whole, 0, cut));
            Str rest = str_slice(whole, cut, len);
            assert_int_equal(aws_crc_add(kind, 0, whole), wanted);
            assert_int_equal(aws_crc_add(kind, first, rest), wanted);
            assert_int_equal(aws_crc_of_both(kind, first, aws_crc_add(kind, 0, rest), rest.len), wanted);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_check_values), cmocka_unit_test(test_all_ways_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
