/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instants to text and back, by arithmetic alone: no time zone data, no locale,
 * no strptime, whose leniency differs between libraries. Days are counted in
 * 400-year eras that begin on March 1st, so that a leap day is the last day of
 * its year.
 *
 * Encoding never fails: instants before 1970 or after 9999 are written as the
 * first or last one of that range.
 */
#include "codec/time.h"

#define MS_PER_SECOND 1000
#define MS_PER_DAY    ((int64_t)86400 * MS_PER_SECOND)
#define LAST_MS       INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char day_names[] = "SunMonTueWedThuFriSat";

/* A calendar date and a time of day; month and day count from 1. */
struct civil {
    unsigned year, month, day;
    unsigned hour, minute, second, ms;
    unsigned weekday; /* 0: Sunday; only filled from an instant */
};

static int64_t days_from_civil(unsigned year, unsigned month, unsigned day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t shifted = month > 2 ? (int64_t)month - 3 : (int64_t)month + 9;
    int64_t day_of_year = (153 * shifted + 2) / 5 + (int64_t)day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void split_date(int64_t days, struct civil *c)
{
    int64_t shifted = days + 719468;
    int64_t era = shifted / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;

    c->day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1);
    c->month = (unsigned)(month < 10 ? month + 3 : month - 9);
    c->year = (unsigned)(year_of_era + era * 400 + (c->month <= 2));
    c->weekday = (unsigned)((days + 4) % 7);
}

static struct civil split(int64_t ms)
{
    struct civil c;
    int64_t rest;

    if (ms < 0)
        ms = 0;
    if (ms > LAST_MS)
        ms = LAST_MS;
    split_date(ms / MS_PER_DAY, &c);
    rest = ms % MS_PER_DAY;
    c.ms = (unsigned)(rest % MS_PER_SECOND);
    rest /= MS_PER_SECOND;
    c.second = (unsigned)(rest % 60);
    c.minute = (unsigned)(rest / 60 % 60);
    c.hour = (unsigned)(rest / 3600);
    return c;
}

/* Writes `number` with `digits` places and returns what follows. */
static char *put(char *at, unsigned number, size_t digits)
{
    for (size_t i = digits; i > 0; i--) {
        at[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
    return at + digits;
}

static char *put_byte(char *at, char byte)
{
    *at = byte;
    return at + 1;
}

static char *put_name(char *at, const char *names, unsigned index)
{
    memcpy(at, names + (size_t)index * 3, 3);
    return at + 3;
}

static char *put_clock(char *at, const struct civil *c)
{
    at = put_byte(put(at, c->hour, 2), ':');
    at = put_byte(put(at, c->minute, 2), ':');
    return put(at, c->second, 2);
}

void gw_time_amz(int64_t ms, char out[GW_TIME_AMZ_SIZE])
{
    struct civil c = split(ms);
    char *at = put(put(put(out, c.year, 4), c.month, 2), c.day, 2);

    at = put(put(put(put_byte(at, 'T'), c.hour, 2), c.minute, 2), c.second, 2);
    put_byte(put_byte(at, 'Z'), '\0');
}

void gw_time_http(int64_t ms, char out[GW_TIME_HTTP_SIZE])
{
    struct civil c = split(ms);
    char *at = put_name(out, day_names, c.weekday);

    at = put(put_byte(put_byte(at, ','), ' '), c.day, 2);
    at = put_name(put_byte(at, ' '), month_names, c.month - 1);
    at = put(put_byte(at, ' '), c.year, 4);
    at = put_clock(put_byte(at, ' '), &c);
    memcpy(at, " GMT", sizeof(" GMT"));
}

static char *put_iso_seconds(char *at, const struct civil *c)
{
    at = put_byte(put(at, c->year, 4), '-');
    at = put_byte(put(at, c->month, 2), '-');
    return put_clock(put_byte(put(at, c->day, 2), 'T'), c);
}

void gw_time_iso(int64_t ms, char out[GW_TIME_ISO_SIZE])
{
    struct civil c = split(ms);
    char *at = put(put_byte(put_iso_seconds(out, &c), '.'), c.ms, 3);

    put_byte(put_byte(at, 'Z'), '\0');
}

void gw_time_iso_seconds(int64_t ms, char out[21])
{
    struct civil c = split(ms);

    put_byte(put_byte(put_iso_seconds(out, &c), 'Z'), '\0');
}

/* Takes exactly `digits` digits off the front. */
static bool take_number(struct gw_str *text, size_t digits, unsigned *number)
{
    unsigned value = 0;

    if (text->length < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (text->at[i] < '0' || text->at[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text->at[i] - '0');
    }
    *text = gw_str_slice(*text, digits, SIZE_MAX);
    *number = value;
    return true;
}

static bool take_byte(struct gw_str *text, char byte)
{
    if (text->length == 0 || text->at[0] != byte)
        return false;
    *text = gw_str_slice(*text, 1, SIZE_MAX);
    return true;
}

/* Takes one of the three-letter names off the front. */
static bool take_name(struct gw_str *text, const char *names, unsigned count, unsigned *index)
{
    if (text->length < 3)
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (memcmp(text->at, names + (size_t)i * 3, 3) == 0) {
            *text = gw_str_slice(*text, 3, SIZE_MAX);
            *index = i;
            return true;
        }
    }
    return false;
}

static bool take_clock(struct gw_str *text, struct civil *c)
{
    return take_number(text, 2, &c->hour) && take_byte(text, ':') && take_number(text, 2, &c->minute) &&
           take_byte(text, ':') && take_number(text, 2, &c->second);
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && leap ? 29 : days[month - 1];
}

/* Checks the fields and makes an instant of them, `offset_minutes` east of UTC. */
static enum gw_status join(const struct civil *c, int64_t offset_minutes, int64_t *ms)
{
    int64_t value;

    if (c->year < 1970 || c->month < 1 || c->month > 12 || c->day < 1 || c->day > days_in_month(c->year, c->month))
        return GW_E_RANGE;
    if (c->hour > 23 || c->minute > 59 || c->second > 59)
        return GW_E_RANGE;
    value = days_from_civil(c->year, c->month, c->day) * 86400;
    value += (int64_t)c->hour * 3600 + (int64_t)c->minute * 60 + (int64_t)c->second - offset_minutes * 60;
    value = value * MS_PER_SECOND + (int64_t)c->ms;
    if (value < 0 || value > LAST_MS)
        return GW_E_RANGE;
    *ms = value;
    return GW_OK;
}

enum gw_status gw_time_parse_amz(struct gw_str text, int64_t *ms)
{
    struct civil c = {0};

    if (!take_number(&text, 4, &c.year) || !take_number(&text, 2, &c.month) || !take_number(&text, 2, &c.day))
        return GW_E_SYNTAX;
    if (!take_byte(&text, 'T') || !take_number(&text, 2, &c.hour) || !take_number(&text, 2, &c.minute) ||
        !take_number(&text, 2, &c.second) || !take_byte(&text, 'Z') || text.length > 0)
        return GW_E_SYNTAX;
    return join(&c, 0, ms);
}

enum gw_status gw_time_parse_http(struct gw_str text, int64_t *ms)
{
    struct civil c = {0};

    if (!take_name(&text, day_names, 7, &c.weekday) || !take_byte(&text, ',') || !take_byte(&text, ' '))
        return GW_E_SYNTAX;
    if (!take_number(&text, 2, &c.day) || !take_byte(&text, ' ') || !take_name(&text, month_names, 12, &c.month) ||
        !take_byte(&text, ' ') || !take_number(&text, 4, &c.year) || !take_byte(&text, ' ') || !take_clock(&text, &c))
        return GW_E_SYNTAX;
    if (!gw_str_is(text, " GMT") && !gw_str_is(text, " +0000") && !gw_str_is(text, " -0000"))
        return GW_E_SYNTAX;
    c.month++;
    return join(&c, 0, ms);
}

/* ".5" to ".123456789"; places behind the third are dropped. */
static bool take_fraction(struct gw_str *text, unsigned *ms)
{
    unsigned digit;
    unsigned value = 0;
    size_t places = 0;

    if (!take_byte(text, '.'))
        return true;
    while (take_number(text, 1, &digit)) {
        if (places++ < 3)
            value = value * 10 + digit;
    }
    if (places == 0 || places > 9)
        return false;
    for (; places < 3; places++)
        value *= 10;
    *ms = value;
    return true;
}

enum gw_status gw_time_parse_iso(struct gw_str text, int64_t *ms)
{
    struct civil c = {0};
    unsigned hours = 0;
    unsigned minutes = 0;
    bool west;

    if (!take_number(&text, 4, &c.year) || !take_byte(&text, '-') || !take_number(&text, 2, &c.month) ||
        !take_byte(&text, '-') || !take_number(&text, 2, &c.day) || !take_byte(&text, 'T') || !take_clock(&text, &c) ||
        !take_fraction(&text, &c.ms))
        return GW_E_SYNTAX;
    if (gw_str_is(text, "Z"))
        return join(&c, 0, ms);
    west = take_byte(&text, '-');
    if ((!west && !take_byte(&text, '+')) || !take_number(&text, 2, &hours) || !take_byte(&text, ':') ||
        !take_number(&text, 2, &minutes) || text.length > 0)
        return GW_E_SYNTAX;
    if (hours > 23 || minutes > 59)
        return GW_E_RANGE;
    return join(&c, (west ? -1 : 1) * ((int64_t)hours * 60 + (int64_t)minutes), ms);
}

void gw_time_encode_decimal(int64_t ms, struct gw_buf *out)
{
    char places[4] = {'.'};

    if (ms < 0)
        ms = 0;
    gw_buf_append_u64(out, (uint64_t)(ms / MS_PER_SECOND));
    put(places + 1, (unsigned)(ms % MS_PER_SECOND), 3);
    gw_buf_append(out, places, sizeof(places));
}
