/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_TIME_H
#define GW_CODEC_TIME_H

/*
 * Instants as text. Milliseconds since 1970-01-01T00:00:00Z, UTC, proleptic
 * Gregorian, years 1970 to 9999, no leap seconds. No locale, no environment.
 */

#include "base/buf.h"

#define GW_TIME_AMZ_SIZE  17 /* 20150830T123600Z and NUL */
#define GW_TIME_HTTP_SIZE 30 /* Sun, 30 Aug 2015 12:36:00 GMT and NUL */
#define GW_TIME_ISO_SIZE  25 /* 2015-08-30T12:36:00.123Z and NUL */

void gw_time_amz(int64_t ms, char out[GW_TIME_AMZ_SIZE]);
void gw_time_http(int64_t ms, char out[GW_TIME_HTTP_SIZE]); /* RFC 9110 IMF-fixdate */
void gw_time_iso(int64_t ms, char out[GW_TIME_ISO_SIZE]);   /* with three places */
void gw_time_iso_seconds(int64_t ms, char out[21]);         /* 2015-08-30T12:36:00Z and NUL, CloudTrail's form */

/* Strict: YYYYMMDDTHHMMSSZ, real calendar dates only. GW_E_SYNTAX, GW_E_RANGE. */
GW_NODISCARD enum gw_status gw_time_parse_amz(struct gw_str text, int64_t *ms);
/* "Sun, 30 Aug 2015 12:36:00 GMT", also "+0000" and "-0000" instead of GMT (botocore). The day name is not compared. */
GW_NODISCARD enum gw_status gw_time_parse_http(struct gw_str text, int64_t *ms);
/* 2015-08-30T12:36:00[.fraction](Z|+HH:MM|-HH:MM). */
GW_NODISCARD enum gw_status gw_time_parse_iso(struct gw_str text, int64_t *ms);

/* Seconds with three places, as EKS writes times: 1685475163.532 */
void gw_time_encode_decimal(int64_t ms, struct gw_buf *out);

#endif
