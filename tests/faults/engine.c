/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting and failing. A thread of its own waits for the two signals: what they
 * ask for needs locks, which no signal handler may take.
 */
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lost.h"

pthread_mutex_t faults_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const kind_names[] = {
    [FAULTS_OPEN] = "open",         [FAULTS_WRITE] = "write",   [FAULTS_SYNC] = "sync",
    [FAULTS_TRUNCATE] = "truncate", [FAULTS_RENAME] = "rename",
};
static const char *const role_names[] = {
    [FAULTS_DATABASE] = "database",
    [FAULTS_LOG] = "log",
    [FAULTS_AUDIT] = "audit",
};
static const struct {
    const char *name;
    int number;
} errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EROFS", EROFS}};

static struct {
    pthread_mutex_t lock; /* of the counts */
    enum faults_loss loss;
    uint64_t random;
    uint64_t fail_at; /* 0: none */
    int fail_with;
    bool is_sticky;
    const char *off_path;
    const char *on_path;
    const char *counts_path;
    int log_fd;
    uint64_t calls;
    uint64_t failed;
    uint64_t counts[FAULTS_ROLES][FAULTS_KINDS];
    uint64_t bytes[FAULTS_ROLES];
} engine = {.lock = PTHREAD_MUTEX_INITIALIZER, .log_fd = -1};

static __attribute__((noreturn)) void refuse(const char *name, const char *value)
{
    (void)fprintf(stderr, "eksgate_faults: %s=%s: tests/faults/engine.h says what is accepted\n", name, value);
    _exit(2);
}

void faults_say(const char *format, ...)
{
    char line[512];
    va_list args;
    int length;

    if (engine.log_fd < 0)
        return;
    va_start(args, format);
    length = vsnprintf(line, sizeof(line) - 1, format, args);
    va_end(args);
    if (length < 0)
        return;
    if ((size_t)length > sizeof(line) - 2)
        length = (int)sizeof(line) - 2;
    line[length] = '\n';
    if (write(engine.log_fd, line, (size_t)length + 1) < 0)
        return; /* nobody is left to be told */
}

/* xorshift64*; the state is never 0. */
uint64_t faults_random(uint64_t below)
{
    engine.random ^= engine.random >> 12;
    engine.random ^= engine.random << 25;
    engine.random ^= engine.random >> 27;
    return below == 0 ? 0 : (engine.random * UINT64_C(2685821657736338717) >> 11) % below;
}

enum faults_loss faults_loss(void)
{
    return engine.loss;
}

static int error_of(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strlen(errors[i].name) == length && memcmp(errors[i].name, name, length) == 0)
            return errors[i].number;
    }
    return 0;
}

static const char *name_of(int number)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i].number == number)
            return errors[i].name;
    }
    return "?";
}

static bool is_word(const char *word, const char *name)
{
    return word[0] == '\0' || strcmp(word, "*") == 0 || strcmp(word, name) == 0;
}

/* What the file of GW_FAULTS_ON wants of such a call: an errno, or 0. */
static int wanted_by_file(enum faults_kind kind, enum faults_role role)
{
    char text[64] = "";
    char error[16] = "";
    char kind_word[16] = "";
    char role_word[16] = "";
    int fd = engine.on_path == NULL ? -1 : open(engine.on_path, O_RDONLY | O_CLOEXEC);
    ssize_t length;

    if (fd < 0)
        return 0;
    length = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    if (length <= 0 || sscanf(text, "%15s %15s %15s", error, kind_word, role_word) < 1)
        return 0;
    if (!is_word(kind_word, kind_names[kind]) || !is_word(role_word, role_names[role]))
        return 0;
    return error_of(error, strlen(error));
}

static int wanted_by_number(void)
{
    bool due =
        engine.fail_at != 0 && (engine.is_sticky ? engine.calls >= engine.fail_at : engine.calls == engine.fail_at);

    return due ? engine.fail_with : 0;
}

int faults_take(enum faults_kind kind, enum faults_role role, const char *name, size_t bytes)
{
    uint64_t number;
    int wanted;

    (void)pthread_mutex_lock(&engine.lock);
    number = ++engine.calls;
    engine.counts[role][kind]++;
    engine.bytes[role] += bytes;
    wanted = wanted_by_number();
    if (wanted == 0)
        wanted = wanted_by_file(kind, role);
    if (wanted != 0 && engine.off_path != NULL && access(engine.off_path, F_OK) == 0)
        wanted = 0;
    engine.failed += wanted != 0;
    (void)pthread_mutex_unlock(&engine.lock);
    if (wanted != 0)
        faults_say("call %llu: %s of %s (%s) fails with %s", (unsigned long long)number, kind_names[kind], name,
                   role_names[role], name_of(wanted));
    return wanted;
}

static void print_counts(FILE *out)
{
    (void)fprintf(out, "{\"calls\":%llu,\"failed\":%llu", (unsigned long long)engine.calls,
                  (unsigned long long)engine.failed);
    for (size_t role = 0; role < FAULTS_ROLES; role++) {
        (void)fprintf(out, ",\"%s\":{\"bytes\":%llu", role_names[role], (unsigned long long)engine.bytes[role]);
        for (size_t kind = 0; kind < FAULTS_KINDS; kind++)
            (void)fprintf(out, ",\"%s\":%llu", kind_names[kind], (unsigned long long)engine.counts[role][kind]);
        (void)fputc('}', out);
    }
    (void)fputs("}\n", out);
}

/* Whole or not at all, for readers that wait for it. */
static void write_counts(void)
{
    char fresh[4096];
    FILE *out;

    if (engine.counts_path == NULL ||
        snprintf(fresh, sizeof(fresh), "%s.new", engine.counts_path) >= (int)sizeof(fresh))
        return;
    out = fopen(fresh, "w");
    if (out == NULL)
        return;
    (void)pthread_mutex_lock(&engine.lock);
    print_counts(out);
    (void)pthread_mutex_unlock(&engine.lock);
    if (fclose(out) == 0)
        (void)rename(fresh, engine.counts_path);
}

static void *wait_for_signals(void *ctx)
{
    sigset_t *set = ctx;
    int number;

    for (;;) {
        if (sigwait(set, &number) != 0)
            continue;
        if (number == SIGUSR2)
            faults_lose_power();
        write_counts();
    }
    return NULL;
}

/* The thread takes these two signals, the others are the program's. */
static void start_waiting(void)
{
    static sigset_t set;
    sigset_t all;
    sigset_t before;
    pthread_t thread;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGUSR2);
    (void)sigaddset(&set, SIGRTMIN);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, NULL, wait_for_signals, &set) != 0 || pthread_detach(thread) != 0)
        abort();
    (void)sigaddset(&before, SIGUSR2);
    (void)sigaddset(&before, SIGRTMIN);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void read_fail(const char *value)
{
    const char *colon = strchr(value, ':');
    const char *end = colon == NULL ? NULL : strchr(colon + 1, ':');
    char *rest;

    engine.fail_at = strtoull(value, &rest, 10);
    if (colon == NULL || rest != colon || rest == value)
        refuse("GW_FAULTS_FAIL", value);
    engine.is_sticky = end != NULL && strcmp(end, ":sticky") == 0;
    engine.fail_with = error_of(colon + 1, end == NULL ? strlen(colon + 1) : (size_t)(end - colon - 1));
    if (engine.fail_with == 0 || (end != NULL && !engine.is_sticky))
        refuse("GW_FAULTS_FAIL", value);
}

static enum faults_loss loss_of(const char *value)
{
    static const char *const names[] = {
        [FAULTS_LOSS_ALL] = "all", [FAULTS_LOSS_PREFIX] = "prefix", [FAULTS_LOSS_SECTORS] = "sectors"};

    if (value == NULL)
        return FAULTS_LOSS_NONE;
    for (size_t i = FAULTS_LOSS_ALL; i <= FAULTS_LOSS_SECTORS; i++) {
        if (strcmp(value, names[i]) == 0)
            return (enum faults_loss)i;
    }
    refuse("GW_FAULTS_LOSE", value);
}

void faults_start(void)
{
    const char *seed = getenv("GW_FAULTS_SEED");
    const char *log = getenv("GW_FAULTS_LOG");
    const char *fail = getenv("GW_FAULTS_FAIL");

    engine.random = (seed == NULL ? 1 : strtoull(seed, NULL, 10)) * 2 + 1;
    for (int i = 0; i < 8; i++)
        (void)faults_random(1); /* small seeds differ in few bits */
    engine.off_path = getenv("GW_FAULTS_OFF");
    engine.on_path = getenv("GW_FAULTS_ON");
    engine.counts_path = getenv("GW_FAULTS_COUNTS");
    engine.loss = loss_of(getenv("GW_FAULTS_LOSE"));
    if (fail != NULL)
        read_fail(fail);
    if (log != NULL) {
        engine.log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (engine.log_fd < 0)
            refuse("GW_FAULTS_LOG", log);
    }
    if (engine.counts_path != NULL && atexit(write_counts) != 0)
        abort();
    start_waiting();
}
