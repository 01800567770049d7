/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential_process: a command that prints credentials. No shell runs it, so that
 * nothing in the setting means more than words; what needs a shell names one
 * (sh -c '...'). It gets a process group of its own, nothing on its stdin, and our
 * stderr for what it has to say to people.
 *
 *   spawn -> read stdout until its end -> wait for the exit, all within 30 s; then SIGKILL to the group
 */
#include "upstream/credentials_chain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX  64
#define TIMEOUT_MS 30000
#define NAP_MS     5 /* between two looks at whether it has ended; its output has by then */

/* Splits as a shell does without expanding anything: '...' as it is, "..." with \" and \\, \ before a byte. */
struct splitter {
    struct gw_str text;
    size_t at;
    char *out;
    size_t length;
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Behind an opening quote; false when it doesn't end. */
static bool take_quoted(struct splitter *splitter, char quote)
{
    while (splitter->at < splitter->text.length) {
        char byte = splitter->text.at[splitter->at++];

        if (byte == quote)
            return true;
        if (byte == '\\' && quote == '"' && splitter->at < splitter->text.length &&
            (splitter->text.at[splitter->at] == '"' || splitter->text.at[splitter->at] == '\\'))
            byte = splitter->text.at[splitter->at++];
        splitter->out[splitter->length++] = byte;
    }
    return false;
}

/* One word, its NUL included. */
static bool take_word(struct splitter *splitter)
{
    while (splitter->at < splitter->text.length && !is_blank(splitter->text.at[splitter->at])) {
        char byte = splitter->text.at[splitter->at++];

        if (byte == '\'' || byte == '"') {
            if (!take_quoted(splitter, byte))
                return false;
            continue;
        }
        if (byte == '\\' && splitter->at < splitter->text.length)
            byte = splitter->text.at[splitter->at++];
        splitter->out[splitter->length++] = byte;
    }
    splitter->out[splitter->length++] = '\0';
    return true;
}

enum gw_status gw_chain_split(struct gw_arena *arena, struct gw_str command, char ***words, struct gw_err *err)
{
    struct splitter splitter = {.text = command, .out = gw_arena_alloc(arena, command.length + WORDS_MAX + 1)};
    char **found = gw_arena_zero(arena, WORDS_MAX + 1, sizeof(*found));
    size_t count = 0;

    if (memchr(command.at, '\0', command.length) != NULL)
        return gw_fail(err, GW_E_SYNTAX, "holds a NUL byte");
    for (;;) {
        while (splitter.at < command.length && is_blank(command.at[splitter.at]))
            splitter.at++;
        if (splitter.at == command.length)
            break;
        if (count == WORDS_MAX)
            return gw_fail(err, GW_E_LIMIT, "has more than %d words", WORDS_MAX);
        found[count++] = splitter.out + splitter.length;
        if (!take_word(&splitter))
            return gw_fail(err, GW_E_SYNTAX, "has a quote that doesn't end");
    }
    if (count == 0)
        return gw_fail(err, GW_E_SYNTAX, "names no command");
    *words = found;
    return GW_OK;
}

static enum gw_status spawn(struct gw_chain *chain, char **words, int out, pid_t *pid, struct gw_err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t usual;
    int code;

    (void)sigemptyset(&none);
    (void)sigfillset(&usual);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attributes);
    code = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (code == 0)
        code = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    (void)posix_spawnattr_setpgroup(&attributes, 0);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &usual);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (code == 0)
        code = posix_spawnp(pid, words[0], &actions, &attributes, words, chain->world->options->environment);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return code == 0 ? GW_OK : gw_fail(err, GW_E_IO, "the command can't be run: %s", strerror(code));
}

/* Milliseconds until the deadline, for poll. */
static int left_of(int64_t deadline_ms)
{
    int64_t left = deadline_ms - gw_clock_monotonic_ms(gw_clock_system());

    return left > 0 ? (int)left : 0;
}

/* Until the output's end. */
static enum gw_status read_output(struct gw_chain *chain, int fd, int64_t deadline_ms, struct gw_buf *output,
                                  struct gw_err *err)
{
    struct pollfd both[2] = {{.fd = fd, .events = POLLIN}, {.fd = chain->world->stop_fd, .events = POLLIN}};

    for (;;) {
        int left = left_of(deadline_ms);
        int count = poll(both, 2, left);
        ssize_t got;

        if (count > 0 && both[1].revents != 0)
            return gw_fail(err, GW_E_BUSY, "stopped");
        if (left == 0)
            return gw_fail(err, GW_E_LIMIT, "the command didn't end in %d s", TIMEOUT_MS / 1000);
        if (count <= 0)
            continue;
        if (output->length == output->capacity)
            return gw_fail(err, GW_E_LIMIT, "the command printed more than %zu bytes", GW_CHAIN_FILE_MAX);
        got = read(fd, output->at + output->length, output->capacity - output->length);
        if (got == 0)
            return GW_OK;
        if (got < 0 && errno != EINTR)
            return gw_fail(err, GW_E_IO, "reading its output: %s", strerror(errno));
        output->length += got > 0 ? (size_t)got : 0;
    }
}

/* How it ended; GW_E_LIMIT, GW_E_BUSY: it hasn't. */
static enum gw_status await_exit(struct gw_chain *chain, pid_t pid, int64_t deadline_ms, bool *is_gone,
                                 struct gw_err *err)
{
    int how = 0;
    pid_t got;

    while ((got = waitpid(pid, &how, WNOHANG)) == 0 || (got < 0 && errno == EINTR)) {
        if (left_of(deadline_ms) == 0)
            return gw_fail(err, GW_E_LIMIT, "the command didn't end in %d s", TIMEOUT_MS / 1000);
        if (poll(&(struct pollfd){.fd = chain->world->stop_fd, .events = POLLIN}, 1, NAP_MS) > 0)
            return gw_fail(err, GW_E_BUSY, "stopped");
    }
    *is_gone = true;
    if (got == pid && WIFEXITED(how) && WEXITSTATUS(how) == 0)
        return GW_OK;
    if (got == pid && WIFEXITED(how))
        return gw_fail(err, GW_E_IO, "the command ended with exit code %d", WEXITSTATUS(how));
    return gw_fail(err, GW_E_IO, "the command was ended by a signal");
}

static enum gw_status run(struct gw_chain *chain, char **words, struct gw_buf *output, struct gw_err *err)
{
    int64_t deadline_ms = gw_clock_monotonic_ms(gw_clock_system()) + TIMEOUT_MS;
    int ends[2] = {-1, -1};
    bool is_gone = false;
    pid_t pid = -1;
    enum gw_status status;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return gw_fail(err, GW_E_IO, "%s", strerror(errno));
    status = spawn(chain, words, ends[1], &pid, err);
    (void)close(ends[1]);
    if (status == GW_OK) {
        status = read_output(chain, ends[0], deadline_ms, output, err);
        if (status == GW_OK)
            status = await_exit(chain, pid, deadline_ms, &is_gone, err);
        if (!is_gone) {
            (void)kill(-pid, SIGKILL);
            while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
        }
    }
    (void)close(ends[0]);
    return status;
}

enum gw_status gw_chain_process(struct gw_chain *chain, struct gw_str command, struct gw_str *output,
                                struct gw_err *err)
{
    struct gw_buf buf;
    char **words = NULL;
    enum gw_status status = gw_chain_split(&chain->arena, command, &words, err);

    if (status != GW_OK)
        return status;
    gw_buf_init(&buf, GW_CHAIN_FILE_MAX);
    status = gw_buf_reserve(&buf, GW_CHAIN_FILE_MAX);
    if (status == GW_OK)
        status = run(chain, words, &buf, err);
    if (status == GW_OK)
        *output = gw_arena_str(&chain->arena, gw_buf_str(&buf));
    gw_wipe(buf.at, buf.length);
    gw_buf_fini(&buf);
    return status;
}
