/* tests/unit/test_kernels.c - kernels called in DuckDB, with the values that Spark's documentation and its tests give for them.
 *
 * The oracle (tests/spark) compares far more against real Spark; this runs under the sanitizers and without a JVM.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernels/kernels.h"

#include <stdio.h>
#include <string.h>

typedef struct Fixture {
    duckdb_database database;
    duckdb_connection connection;
    KnSet *set;
} Fixture;

static int start(void **state) {
    static Fixture fixture;
    Err err = {0};
    assert_int_equal(duckdb_open(NULL, &fixture.database), DuckDBSuccess);
    assert_int_equal(duckdb_connect(fixture.database, &fixture.connection), DuckDBSuccess);
    fixture.set = kn_set_new(fixture.connection, &err);
    if (fixture.set == NULL) {
        print_error("%s\n", err.message);
        return 1;
    }
    *state = &fixture;
    return 0;
}

static int stop(void **state) {
    Fixture *fixture = *state;
    kn_set_free(fixture->set);
    duckdb_disconnect(&fixture->connection);
    duckdb_close(&fixture->database);
    return 0;
}

typedef struct Row {
    const char *sql;
    const char *expected; /* as VARCHAR; NULL: null */
} Row;

static void check(const Fixture *fixture, const Row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char sql[1024];
        duckdb_result result;
        assert_true(snprintf(sql, sizeof sql, "SELECT CAST(%s AS VARCHAR)", rows[i].sql) < (int)sizeof sql);
        if (duckdb_query(fixture->connection, sql, &result) != DuckDBSuccess) {
            fail_msg("%s: %s", rows[i].sql, duckdb_result_error(&result));
        }
        char *value = duckdb_value_varchar(&result, 0, 0);
        if ((value == NULL) != (rows[i].expected == NULL) || (value != NULL && strcmp(value, rows[i].expected) != 0)) {
            fail_msg("%s: %s instead of %s", rows[i].sql, value == NULL ? "null" : value, rows[i].expected == NULL ? "null" : rows[i].expected);
        }
        duckdb_free(value);
        duckdb_destroy_result(&result);
    }
}

#define CHECK(rows) check(*state, rows, sizeof rows / sizeof rows[0])

static void test_arithmetic(void **state) {
    static const Row rows[] = {
        {"spark_add(2147483647::INTEGER, 1::INTEGER)", "-2147483648"},
        {"spark_multiply(9223372036854775807::BIGINT, 2::BIGINT)", "-2"},
        {"spark_negative((-128)::TINYINT)", "-128"},
        {"spark_remainder(5::INTEGER, 0::INTEGER)", NULL},
        {"spark_remainder((-2147483648)::INTEGER, (-1)::INTEGER)", "0"},
        {"spark_pmod(-7::INTEGER, 3::INTEGER)", "2"},
        {"spark_div((-9223372036854775808)::BIGINT, (-1)::BIGINT)", "-9223372036854775808"},
        {"spark_add(NULL::INTEGER, 1::INTEGER)", NULL},
        {"spark_round(2.5::DOUBLE, 0::INTEGER)", "3.0"},
        {"spark_bround(2.5::DOUBLE, 0::INTEGER)", "2.0"},
        {"spark_round(0.285::DOUBLE, 2::INTEGER)", "0.29"},
        {"spark_round(1250::INTEGER, (-2)::INTEGER)", "1300"},
        {"spark_double_to_int('NaN'::DOUBLE)", "0"},
        {"spark_double_to_int(1e10::DOUBLE)", "2147483647"},
        {"spark_ln(0::DOUBLE)", NULL},
    };
    CHECK(rows);
}

static void test_number_text(void **state) {
    static const Row rows[] = {
        {"spark_str(1e7::DOUBLE)", "1.0E7"},
        {"spark_str(9999999::DOUBLE)", "9999999.0"},
        {"spark_str(0.001::DOUBLE)", "0.001"},
        {"spark_str(0.0001::DOUBLE)", "1.0E-4"},
        {"spark_str(0.1::FLOAT)", "0.1"},
        {"spark_str('-Infinity'::DOUBLE)", "-Infinity"},
        {"spark_string_to_int(' 1.9 ')", "1"},
        {"spark_string_to_int('+')", NULL},
        {"spark_string_to_byte('128')", NULL},
        {"spark_string_to_long('-9223372036854775808')", "-9223372036854775808"},
        {"spark_string_to_double('1e3d')", "1000.0"},
        {"spark_string_to_double('0x1p3')", "8.0"},
        {"spark_string_to_double('1_000')", NULL},
        {"spark_string_to_boolean(' Yes ')", "true"},
        {"spark_decimal_str(0.0000001::DECIMAL(10,7))", "1E-7"},
    };
    CHECK(rows);
}

static void test_decimals(void **state) {
    Fixture *fixture = *state;
    static const char *const families[] = {"decimal_add", "decimal_multiply", "decimal_divide", "to_decimal"};
    for (size_t i = 0; i < 4; i++) {
        Err err = {0};
        for (int twice = 0; twice < 2; twice++) { /* the second time is nothing to do */
            assert_true(kn_set_require(fixture->set, fixture->connection, str_from_c(families[i]), STR("DECIMAL(38,6)"), str_from_c(families[i]), &err));
        }
    }
    static const Row rows[] = {
        {"decimal_divide(1::DECIMAL(10,0), 3::DECIMAL(10,0))", "0.333333"},
        {"decimal_divide(2::DECIMAL(10,0), 3::DECIMAL(10,0))", "0.666667"},
        {"decimal_divide(1::DECIMAL(10,0), 0::DECIMAL(10,0))", NULL},
        {"decimal_multiply(99999999999999999999::DECIMAL(38,0), 99999999999999999999::DECIMAL(38,0))", NULL},
        {"decimal_multiply(123456789012345678.123456::DECIMAL(38,6), 1.000001::DECIMAL(38,6))", "123456912469134690.469134"},
        {"decimal_add(1.5::DECIMAL(38,1), 2.25::DECIMAL(38,2))", "3.750000"},
        {"to_decimal('1.2345675')", "1.234568"},
        {"to_decimal('-1.2345675')", "-1.234568"},
        {"to_decimal('1e40')", NULL},
        {"to_decimal(0.1::DOUBLE)", "0.100000"},
    };
    CHECK(rows);
}

static void test_text(void **state) {
    static const Row rows[] = {
        {"spark_upper('stra\xC3\x9F" "e')", "STRASSE"},
        {"spark_substring('abc', (-5)::INTEGER, 3::INTEGER)", "a"},
        {"spark_substring('h\xC3\xA9llo', 2::INTEGER, 1::INTEGER)", "\xC3\xA9"},
        {"spark_substring_index('a.b.c', '.', (-2)::INTEGER)", "b.c"},
        {"spark_locate('b', 'abcb', 3::INTEGER)", "4"},
        {"spark_lpad('hi', 5::INTEGER, 'xy')", "xyxhi"},
        {"spark_translate('AaBbCc', 'abc', '123')", "A1B2C3"},
        {"spark_regexp_replace('100-200', '(\\d+)', 'num')", "num-num"},
        {"spark_regexp_extract('100-200', '(\\d+)-(\\d+)', 2::INTEGER)", "200"},
        {"spark_split('oneAtwoBthreeC', '[ABC]')", "[one, two, three, '']"},
        {"spark_split('oneAtwoBthreeC', '[ABC]', 2::INTEGER)", "[one, twoBthreeC]"},
        {"spark_hash('Spark', [123], 2::INTEGER)", "-1321691492"},
        {"spark_xxhash64('Spark', [123], 2::INTEGER)", "5602566077635097486"},
        {"spark_crc32('Spark'::BLOB)", "1557323817"},
    };
    CHECK(rows);
}

static void test_times(void **state) {
    static const Row rows[] = {
        {"spark_string_to_date('2020-02-30')", NULL},
        {"spark_date_str(spark_string_to_date('2020-2-9 x'))", "2020-02-09"},
        {"spark_timestamp_str(spark_string_to_timestamp('2021-03-14 02:30:00', 'America/New_York'), 'America/New_York')", "2021-03-14 03:30:00"},
        {"spark_timestamp_str(spark_string_to_timestamp('2020-01-31T12:34:56.7+08:00', 'UTC'), 'UTC')", "2020-01-31 04:34:56.7"},
        {"spark_string_to_timestamp('2020-01-31 12:34:56 Nowhere/Land', 'UTC')", NULL},
        {"spark_months_between(spark_string_to_timestamp('1997-02-28 10:30:00', 'UTC'), spark_string_to_timestamp('1996-10-30', 'UTC'), true, 'UTC')",
         "3.94959677"},
        {"spark_date_str(spark_next_day(spark_string_to_date('2015-01-14'), 'TU'))", "2015-01-20"},
        {"spark_weekofyear(spark_string_to_date('2008-02-20'))", "8"},
        {"spark_date_format(spark_string_to_timestamp('2016-04-08 01:02:03', 'UTC'), 'EEE d MMMM yyyy h:mm a', 'UTC')", "Fri 8 April 2016 1:02 AM"},
        {"spark_timestamp_str(spark_parse_timestamp('20200131', 'yyyyMMdd', 'UTC'), 'UTC')", "2020-01-31 00:00:00"},
        {"spark_parse_timestamp('2020-1-31', 'yyyy-MM-dd', 'UTC')", NULL},
        /* a time that is not there moves forward; of two the earlier */
        {"spark_timestamp_str(spark_string_to_timestamp('2024-03-31 02:30:00', 'Europe/Berlin'), 'UTC')", "2024-03-31 01:30:00"},
        {"spark_timestamp_str(spark_string_to_timestamp('2024-10-27 02:30:00', 'Europe/Berlin'), 'UTC')", "2024-10-27 00:30:00"},
        {"spark_timestamp_str(spark_string_to_timestamp('2024-10-27 02:30:00 Europe/Berlin', 'UTC'), 'UTC')", "2024-10-27 00:30:00"},
        {"spark_timestamp_str(spark_string_to_timestamp('2850-07-01 00:00:00', 'Europe/Berlin'), 'UTC')", "2850-06-30 22:00:00"},
        {"spark_string_to_timestamp('2024-10-27 02:30:00 Europe/Nowhere', 'UTC')", NULL},
    };
    CHECK(rows);
}

static void test_show(void **state) {
    static const Row rows[] = {
        {"spark_show_string(1, 20, false, ['a', 'bb'], [['1', 'x'], ['2', 'y']])",
         "+---+---+\n|  a| bb|\n+---+---+\n|  1|  x|\n+---+---+\nonly showing top 1 row\n"},
        {"spark_show_string(20, 0, true, ['a'], [['1\n']])", "-RECORD 0--\n a   | 1\\n \n"},
    };
    CHECK(rows);
}

static void test_an_error_has_its_class(void **state) {
    Fixture *fixture = *state;
    duckdb_result result;
    assert_int_equal(duckdb_query(fixture->connection, "SELECT spark_date_format(spark_seconds_to_timestamp(0), 'YYYY', 'UTC')", &result), DuckDBError);
    assert_non_null(strstr(duckdb_result_error(&result), "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION: "));
    duckdb_destroy_result(&result);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic), cmocka_unit_test(test_number_text), cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_text),       cmocka_unit_test(test_times),       cmocka_unit_test(test_show),
        cmocka_unit_test(test_an_error_has_its_class),
    };
    return cmocka_run_group_tests_name("kernels", tests, start, stop);
}
