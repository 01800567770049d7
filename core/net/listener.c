/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens listening sockets. For TCP a socket without SO_REUSEPORT is bound first:
 * that fails when anybody listens there, even with SO_REUSEPORT, and settles the
 * port where 0 was asked for. It stays bound, not listening, until the workers'
 * sockets have joined it; SO_REUSEADDR allows that, and old connections in
 * TIME_WAIT. One worker alone takes the first socket itself.
 */
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/address.h"

#define BACKLOG 1024

/* What an address of the configuration means. */
struct place {
    bool is_unix;
    bool is_loopback;
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    } name;
    socklen_t name_length;
};

static enum gw_status parse_unix(struct gw_str path, struct gw_str text, struct place *place, struct gw_err *err)
{
    struct sockaddr_un *un = &place->name.un;

    if (path.length == 0 || path.at[0] != '/' || memchr(path.at, '\0', path.length) != NULL)
        return gw_fail(err, GW_E_SYNTAX, "'%.*s': a unix socket is given as unix:/absolute/path", GW_STR_ARG(text));
    if (path.length >= sizeof(un->sun_path))
        return gw_fail(err, GW_E_LIMIT, "'%.*s': the path of a unix socket has at most %zu bytes", GW_STR_ARG(text),
                       sizeof(un->sun_path) - 1);
    place->is_unix = true;
    place->is_loopback = true;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path.at, path.length);
    place->name_length = sizeof(*un);
    return GW_OK;
}

static void set_name(struct place *place, const struct gw_address *address, uint64_t port)
{
    static const uint8_t loopback6[16] = {[15] = 1};

    if (address->kind == GW_ADDRESS_IPV4) {
        place->name.in.sin_family = AF_INET;
        place->name.in.sin_port = htons((uint16_t)port);
        memcpy(&place->name.in.sin_addr, address->bytes, 4);
        place->name_length = sizeof(place->name.in);
        place->is_loopback = address->bytes[0] == 127;
    } else {
        place->name.in6.sin6_family = AF_INET6;
        place->name.in6.sin6_port = htons((uint16_t)port);
        memcpy(&place->name.in6.sin6_addr, address->bytes, 16);
        place->name_length = sizeof(place->name.in6);
        place->is_loopback = memcmp(address->bytes, loopback6, 16) == 0;
    }
}

/* Cuts "host:port" or "[host]:port" in two; false without a port. */
static bool cut_port(struct gw_str text, struct gw_str *host, struct gw_str *port)
{
    size_t at = text.length;

    while (at > 0 && text.at[at - 1] != ':')
        at--;
    if (at < 2)
        return false;
    *port = gw_str_slice(text, at, SIZE_MAX);
    *host = gw_str_slice(text, 0, at - 1);
    if (host->at[0] == '[') {
        if (host->at[host->length - 1] != ']')
            return false;
        *host = gw_str_slice(*host, 1, host->length - 2);
        return gw_str_find(*host, ':', 0) < host->length;
    }
    return gw_str_find(*host, ':', 0) == host->length;
}

static enum gw_status parse_place(struct gw_str text, struct place *place, struct gw_err *err)
{
    struct gw_address address;
    struct gw_str host;
    struct gw_str port;
    uint64_t number;

    *place = (struct place){.is_unix = false};
    if (gw_str_starts(text, GW_STR("unix:")))
        return parse_unix(gw_str_slice(text, 5, SIZE_MAX), text, place, err);
    if (!cut_port(text, &host, &port))
        goto bad;
    if (gw_str_is(host, "localhost"))
        host = GW_STR("127.0.0.1");
    if (gw_address_parse(host, &address) != GW_OK || gw_str_parse_u64(port, 65535, &number) != GW_OK)
        goto bad;
    set_name(place, &address, number);
    return GW_OK;
bad:
    return gw_fail(err, GW_E_SYNTAX,
                   "'%.*s' is no address to listen at: give 127.0.0.1:8080, [::1]:8080, localhost:8080 or unix:/path",
                   GW_STR_ARG(text));
}

enum gw_status gw_listener_check(struct gw_str address, bool *is_unix, bool *is_loopback, struct gw_err *err)
{
    struct place place;
    enum gw_status status = parse_place(address, &place, err);

    if (status == GW_OK) {
        *is_unix = place.is_unix;
        *is_loopback = place.is_loopback;
    }
    return status;
}

static enum gw_status fail_errno(struct gw_err *err, struct gw_str text, const char *what)
{
    char detail[128];

    return gw_fail(err, GW_E_IO, "%.*s: %s: %s", GW_STR_ARG(text), what, strerror_r(errno, detail, sizeof(detail)));
}

static bool set_option(int fd, int level, int option)
{
    const int on = 1;

    return setsockopt(fd, level, option, &on, sizeof(on)) == 0;
}

/* A bound socket; -1 with errno. Accepted sockets inherit TCP_NODELAY. */
static int bind_tcp(const struct place *place, bool reuse_port)
{
    int fd = socket(place->name.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int saved;

    if (fd < 0)
        return -1;
    if (set_option(fd, SOL_SOCKET, SO_REUSEADDR) && set_option(fd, IPPROTO_TCP, TCP_NODELAY) &&
        (place->name.any.sa_family != AF_INET6 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY)) &&
        (!reuse_port || set_option(fd, SOL_SOCKET, SO_REUSEPORT)) &&
        bind(fd, &place->name.any, place->name_length) == 0)
        return fd;
    saved = errno;
    (void)close(fd);
    errno = saved;
    return -1;
}

static void print_tcp(struct gw_listener *listener, const struct place *place)
{
    struct gw_address address = gw_address_from_socket(&place->name.any);
    bool is_v6 = place->name.any.sa_family == AF_INET6;
    unsigned port = ntohs(is_v6 ? place->name.in6.sin6_port : place->name.in.sin_port);
    char text[GW_ADDRESS_TEXT];

    (void)gw_address_print(&address, text);
    (void)snprintf(listener->address, sizeof(listener->address), is_v6 ? "[%s]:%u" : "%s:%u", text, port);
    (void)snprintf(listener->url, sizeof(listener->url), "http://%s", listener->address);
}

static enum gw_status join_tcp(struct gw_listener *listener, const struct place *place, size_t workers,
                               struct gw_str text, struct gw_err *err)
{
    while (listener->count < workers) {
        int fd = bind_tcp(place, true);

        if (fd < 0)
            return fail_errno(err, text, "can't bind");
        listener->fds[listener->count++] = fd;
    }
    return GW_OK;
}

static enum gw_status listen_all(struct gw_listener *listener, struct gw_str text, struct gw_err *err)
{
    for (size_t i = 0; i < listener->count; i++) {
        if (listen(listener->fds[i], BACKLOG) != 0)
            return fail_errno(err, text, "can't listen");
    }
    return GW_OK;
}

static enum gw_status open_tcp(struct gw_listener *listener, struct place *place, size_t workers, struct gw_str text,
                               struct gw_err *err)
{
    int probe = bind_tcp(place, false);
    enum gw_status status;

    if (probe < 0)
        return fail_errno(err, text, "can't bind");
    if (getsockname(probe, &place->name.any, &place->name_length) != 0) {
        (void)close(probe);
        return fail_errno(err, text, "can't tell the port");
    }
    print_tcp(listener, place);
    if (workers == 1) {
        listener->fds[listener->count++] = probe;
        return listen_all(listener, text, err);
    }
    status = join_tcp(listener, place, workers, text, err);
    (void)close(probe);
    return status == GW_OK ? listen_all(listener, text, err) : status;
}

/* Removes what a dead process left at the path; an error when it is alive or no socket. */
static enum gw_status remove_stale(const struct place *place, struct gw_str text, struct gw_err *err)
{
    struct stat about;
    bool refused;
    int fd;

    if (lstat(place->name.un.sun_path, &about) != 0)
        return errno == ENOENT ? GW_OK : fail_errno(err, text, "can't look");
    if (!S_ISSOCK(about.st_mode))
        return gw_fail(err, GW_E_IO, "%.*s: there is something that is no socket", GW_STR_ARG(text));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail_errno(err, text, "no socket");
    refused = connect(fd, &place->name.any, place->name_length) != 0 && errno == ECONNREFUSED;
    (void)close(fd);
    if (!refused)
        return gw_fail(err, GW_E_IO, "%.*s: in use by a running process", GW_STR_ARG(text));
    if (unlink(place->name.un.sun_path) != 0 && errno != ENOENT)
        return fail_errno(err, text, "can't remove the stale socket");
    return GW_OK;
}

/* The mode is set before anybody can connect: until listen(2) the kernel refuses. */
static enum gw_status bind_unix(struct gw_listener *listener, const struct place *place, int fd, unsigned mode,
                                struct gw_str text, struct gw_err *err)
{
    const char *path = place->name.un.sun_path;
    struct stat about;

    if (bind(fd, &place->name.any, place->name_length) != 0)
        return fail_errno(err, text, "can't bind");
    if (lstat(path, &about) != 0)
        return fail_errno(err, text, "can't look");
    listener->device = about.st_dev;
    listener->inode = about.st_ino;
    if (chmod(path, (mode_t)mode) != 0)
        return fail_errno(err, text, "can't set the mode");
    if (listen(fd, BACKLOG) != 0)
        return fail_errno(err, text, "can't listen");
    return GW_OK;
}

static enum gw_status open_unix(struct gw_listener *listener, const struct place *place, size_t workers, unsigned mode,
                                struct gw_str text, struct gw_err *err)
{
    enum gw_status status = remove_stale(place, text, err);
    int fd;

    if (status != GW_OK)
        return status;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail_errno(err, text, "no socket");
    while (listener->count < workers)
        listener->fds[listener->count++] = fd;
    (void)snprintf(listener->address, sizeof(listener->address), "%s", place->name.un.sun_path);
    (void)snprintf(listener->url, sizeof(listener->url), "unix:%s", place->name.un.sun_path);
    return bind_unix(listener, place, fd, mode, text, err);
}

enum gw_status gw_listener_open(struct gw_listener *listener, struct gw_str address, size_t workers, unsigned unix_mode,
                                struct gw_err *err)
{
    struct place place;
    enum gw_status status = parse_place(address, &place, err);

    *listener = (struct gw_listener){.count = 0};
    if (status != GW_OK)
        return status;
    if (workers == 0 || workers > GW_LISTENER_WORKERS_MAX)
        return gw_fail(err, GW_E_RANGE, "%zu workers: 1 to %d are possible", workers, GW_LISTENER_WORKERS_MAX);
    listener->is_unix = place.is_unix;
    listener->is_loopback = place.is_loopback;
    if (place.is_unix)
        status = open_unix(listener, &place, workers, unix_mode, address, err);
    else
        status = open_tcp(listener, &place, workers, address, err);
    if (status != GW_OK)
        gw_listener_close(listener);
    return status;
}

static void remove_file(const struct gw_listener *listener)
{
    struct stat about;

    if (listener->inode != 0 && lstat(listener->address, &about) == 0 && about.st_dev == listener->device &&
        about.st_ino == listener->inode)
        (void)unlink(listener->address);
}

void gw_listener_set_tls(struct gw_listener *listener)
{
    if (!listener->is_unix)
        (void)snprintf(listener->url, sizeof(listener->url), "https://%s", listener->address);
}

void gw_listener_close(struct gw_listener *listener)
{
    if (listener->is_unix && listener->count > 0) {
        remove_file(listener);
        (void)close(listener->fds[0]);
    } else {
        for (size_t i = 0; i < listener->count; i++)
            (void)close(listener->fds[i]);
    }
    listener->count = 0;
}
