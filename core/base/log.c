/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats a line, escapes what could forge another, writes it in one piece.
 */
#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define GW_LOG_LINE 2048

static _Atomic int current_level = GW_LOG_INFO;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void gw_log_set_level(enum gw_log_level level)
{
    atomic_store(&current_level, (int)level);
}

enum gw_log_level gw_log_level_get(void)
{
    return (enum gw_log_level)atomic_load(&current_level);
}

const char *gw_log_level_name(enum gw_log_level level)
{
    return level_names[level];
}

enum gw_status gw_log_level_parse(struct gw_str name, enum gw_log_level *level)
{
    for (size_t i = 0; i < GW_COUNT(level_names); i++) {
        if (gw_str_is(name, level_names[i])) {
            *level = (enum gw_log_level)i;
            return GW_OK;
        }
    }
    return GW_E_SYNTAX;
}

static size_t put_time(char *out, size_t size)
{
    struct timespec now;
    struct tm utc;
    size_t length;
    int tail;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    length = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &utc);
    tail = snprintf(out + length, size - length, ".%03ldZ", now.tv_nsec / 1000000);
    return length + (size_t)tail;
}

static size_t put_escaped(char *out, size_t size, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    size_t length = 0;

    for (; *text != '\0' && length + 5 < size; text++) {
        unsigned char c = (unsigned char)*text;

        if (c >= 0x20 && c < 0x7f) {
            out[length++] = (char)c;
            continue;
        }
        out[length++] = '\\';
        out[length++] = 'x';
        out[length++] = digits[c >> 4];
        out[length++] = digits[c & 15];
    }
    return length;
}

void gw_log(enum gw_log_level level, const char *area, const char *format, ...)
{
    char text[GW_LOG_LINE];
    char line[GW_LOG_LINE];
    size_t length;
    va_list args;

    if ((int)level > atomic_load_explicit(&current_level, memory_order_relaxed))
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    length = put_time(line, sizeof(line));
    length += (size_t)snprintf(line + length, sizeof(line) - length, " %s %.32s: ", level_names[level], area);
    length += put_escaped(line + length, sizeof(line) - length, text);
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, length) < 0)
        return; /* nowhere left to say so */
}
