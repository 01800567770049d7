/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Principal ARNs, strictly: what IAM and STS could not have issued is refused
 * here, so that nobody behind this file meets an odd one.
 *
 *   arn:P:iam::ACCOUNT:root
 *   arn:P:iam::ACCOUNT:role PATH NAME           PATH is "/" or "/.../"
 *   arn:P:iam::ACCOUNT:user PATH NAME
 *   arn:P:sts::ACCOUNT:assumed-role/NAME/SESSION
 *   arn:P:sts::ACCOUNT:federated-user/NAME
 *
 * A path may hold any printable ASCII, ':' and '%' too, so only the first five
 * colons separate and nothing is decoded. Whether the principal exists, and
 * whether its kind is allowed for an entry, is asked elsewhere.
 */
#include "codec/arn.h"

#define ARN_MIN       20
#define ARN_MAX       2048
#define NAME_MAX_IAM  64
#define SESSION_MIN   2
#define FEDERATED_MIN 2
#define FEDERATED_MAX 32
#define PATH_MAX_IAM  512

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
           c == '=' || c == ',' || c == '.' || c == '@' || c == '-';
}

static bool is_name(struct gw_str text, size_t min, size_t max)
{
    if (text.length < min || text.length > max)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (!is_name_byte(text.at[i]))
            return false;
    }
    return true;
}

/* IAM's pattern: "/" alone, or at least one byte of printable ASCII between two slashes. */
static bool is_path(struct gw_str path)
{
    if (path.length == 1)
        return path.at[0] == '/';
    if (path.length < 3 || path.length > PATH_MAX_IAM || path.at[0] != '/' || path.at[path.length - 1] != '/')
        return false;
    for (size_t i = 0; i < path.length; i++) {
        if (path.at[i] < 0x21 || path.at[i] > 0x7e)
            return false;
    }
    return true;
}

bool gw_arn_is_partition(struct gw_str text)
{
    static const struct gw_str partitions[] = {
        GW_STR_INIT("aws"),       GW_STR_INIT("aws-cn"),    GW_STR_INIT("aws-us-gov"), GW_STR_INIT("aws-iso"),
        GW_STR_INIT("aws-iso-b"), GW_STR_INIT("aws-iso-e"), GW_STR_INIT("aws-iso-f"),  GW_STR_INIT("aws-eusc"),
    };

    for (size_t i = 0; i < GW_COUNT(partitions); i++) {
        if (gw_str_equal(text, partitions[i]))
            return true;
    }
    return false;
}

bool gw_arn_is_account(struct gw_str text)
{
    if (text.length != 12)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    }
    return true;
}

bool gw_arn_is_service_linked(const struct gw_principal *principal)
{
    return principal->kind == GW_PRINCIPAL_ROLE && gw_str_starts(principal->path, GW_STR("/aws-service-role/"));
}

/* "role/a/b/NAME" with `p->kind_text` set: the slash behind the kind begins the path. */
static enum gw_status parse_path_and_name(struct gw_str resource, struct gw_principal *p)
{
    size_t start = p->kind_text.length;
    size_t name = resource.length;

    while (name > start && resource.at[name - 1] != '/')
        name--;
    p->path = gw_str_slice(resource, start, name - start);
    p->name = gw_str_slice(resource, name, SIZE_MAX);
    return is_path(p->path) && is_name(p->name, 1, NAME_MAX_IAM) ? GW_OK : GW_E_SYNTAX;
}

static enum gw_status parse_iam(struct gw_str resource, struct gw_principal *p)
{
    if (gw_str_is(resource, "root")) {
        p->kind = GW_PRINCIPAL_ROOT;
        p->path = GW_STR("/");
        p->name = resource;
        return GW_OK;
    }
    if (gw_str_is(p->kind_text, "role"))
        p->kind = GW_PRINCIPAL_ROLE;
    else if (gw_str_is(p->kind_text, "user"))
        p->kind = GW_PRINCIPAL_USER;
    else
        return GW_E_SYNTAX;
    return parse_path_and_name(resource, p);
}

static enum gw_status parse_sts(struct gw_str resource, struct gw_principal *p)
{
    struct gw_str rest = gw_str_slice(resource, p->kind_text.length + 1, SIZE_MAX);
    size_t slash = gw_str_find(rest, '/', 0);

    p->path = GW_STR("/");
    p->name = gw_str_slice(rest, 0, slash);
    if (gw_str_is(p->kind_text, "federated-user")) {
        p->kind = GW_PRINCIPAL_FEDERATED_USER;
        return slash == rest.length && is_name(p->name, FEDERATED_MIN, FEDERATED_MAX) ? GW_OK : GW_E_SYNTAX;
    }
    if (!gw_str_is(p->kind_text, "assumed-role") || slash == rest.length)
        return GW_E_SYNTAX;
    p->kind = GW_PRINCIPAL_ASSUMED_ROLE;
    p->session = gw_str_slice(rest, slash + 1, SIZE_MAX);
    return is_name(p->name, 1, NAME_MAX_IAM) && is_name(p->session, SESSION_MIN, NAME_MAX_IAM) ? GW_OK : GW_E_SYNTAX;
}

enum gw_status gw_arn_parse_principal(struct gw_str arn, struct gw_principal *principal)
{
    struct gw_principal p = {.arn = arn};
    struct gw_str rest = arn;
    struct gw_str fields[5]; /* arn, partition, service, region, account */
    enum gw_status status;

    if (arn.length < ARN_MIN || arn.length > ARN_MAX)
        return GW_E_SYNTAX;
    for (size_t i = 0; i < GW_COUNT(fields); i++) {
        fields[i] = gw_str_split(&rest, ':');
        if (rest.at == NULL)
            return GW_E_SYNTAX;
    }
    p.partition = fields[1];
    p.account = fields[4];
    if (!gw_str_is(fields[0], "arn") || !gw_arn_is_partition(p.partition) || fields[3].length > 0 ||
        !gw_arn_is_account(p.account))
        return GW_E_SYNTAX;
    p.kind_text = gw_str_slice(rest, 0, gw_str_find(rest, '/', 0));
    if (gw_str_is(fields[2], "iam"))
        status = parse_iam(rest, &p);
    else if (gw_str_is(fields[2], "sts"))
        status = parse_sts(rest, &p);
    else
        return GW_E_SYNTAX;
    if (status == GW_OK)
        *principal = p;
    return status;
}
