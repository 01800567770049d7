/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows stand in the order in which DescribeCluster shows them, which is the
 * model's. Values of enumerations stand in the model's order too, because
 * messages repeat them.
 */
#include "eks/cluster_fields.h"

#include <stdio.h>

#define C GW_EKS_IN_CREATE
#define U GW_EKS_IN_UPDATE
#define S GW_EKS_IN_SHOWN

#define PATH_SIZE 256
#define TIME_MAX  253402300799.0 /* 9999-12-31T23:59:59Z */
#define END                                                                                                            \
    {                                                                                                                  \
        NULL, GW_EKS_FIELD_TEXT, 0, NULL, NULL                                                                         \
    }
#define TEXT(n, u)                                                                                                     \
    {                                                                                                                  \
        n, GW_EKS_FIELD_TEXT, u, NULL, NULL                                                                            \
    }
#define ONE(n, u, v)                                                                                                   \
    {                                                                                                                  \
        n, GW_EKS_FIELD_TEXT, u, NULL, v                                                                               \
    }
#define FLAG(n, u)                                                                                                     \
    {                                                                                                                  \
        n, GW_EKS_FIELD_BOOLEAN, u, NULL, NULL                                                                         \
    }
#define TEXTS(n, u)                                                                                                    \
    {                                                                                                                  \
        n, GW_EKS_FIELD_TEXTS, u, NULL, NULL                                                                           \
    }
#define TREE(n, u, f)                                                                                                  \
    {                                                                                                                  \
        n, GW_EKS_FIELD_OBJECT, u, f, NULL                                                                             \
    }
#define LIST(n, u, f)                                                                                                  \
    {                                                                                                                  \
        n, GW_EKS_FIELD_OBJECTS, u, f, NULL                                                                            \
    }

static const struct gw_eks_field vpc[] = {
    TEXTS("subnetIds", C | U | S),
    TEXTS("securityGroupIds", C | U | S),
    TEXT("clusterSecurityGroupId", S),
    TEXT("vpcId", S),
    FLAG("endpointPublicAccess", C | U | S),
    FLAG("endpointPrivateAccess", C | U | S),
    TEXTS("publicAccessCidrs", C | U | S),
    ONE("controlPlaneEgressMode", C | U | S, "AWS_MANAGED, CUSTOMER_ROUTED, CUSTOMER_ISOLATED"),
    END,
};

static const struct gw_eks_field enabled[] = {FLAG("enabled", C | U | S), END};

static const struct gw_eks_field network[] = {
    TEXT("serviceIpv4Cidr", C | U | S),
    TEXT("serviceIpv6Cidr", S),
    ONE("ipFamily", C | U | S, "ipv4, ipv6"),
    TREE("elasticLoadBalancing", C | U | S, enabled),
    END,
};

static const struct gw_eks_field log_setup[] = {
    {"types", GW_EKS_FIELD_TEXTS, C | U | S, NULL, "api, audit, authenticator, controllerManager, scheduler"},
    FLAG("enabled", C | U | S),
    END,
};

static const struct gw_eks_field logging[] = {LIST("clusterLogging", C | U | S, log_setup), END};

static const struct gw_eks_field oidc[] = {TEXT("issuer", S), END};
static const struct gw_eks_field identity[] = {TREE("oidc", S, oidc), END};
static const struct gw_eks_field certificate[] = {TEXT("data", S), END};

static const struct gw_eks_field provider[] = {TEXT("keyArn", C | S), END};

static const struct gw_eks_field encryption[] = {
    TEXTS("resources", C | S),
    TREE("provider", C | S, provider),
    END,
};

static const struct gw_eks_field connector[] = {
    TEXT("activationId", S), TEXT("activationCode", S), {"activationExpiry", GW_EKS_FIELD_TIME, S, NULL, NULL},
    TEXT("provider", S),     TEXT("roleArn", S),        END,
};

static const struct gw_eks_field issue[] = {TEXT("code", S), TEXT("message", S), TEXTS("resourceIds", S), END};
static const struct gw_eks_field health[] = {LIST("issues", S, issue), END};

static const struct gw_eks_field placement[] = {
    TEXT("groupName", C | S),
    ONE("spreadLevel", C | S, "host, rack"),
    END,
};

static const struct gw_eks_field etcd_placement[] = {ONE("spreadLevel", C | S, "host, rack"), END};

static const struct gw_eks_field outpost[] = {
    TEXTS("outpostArns", C | S),
    TEXT("controlPlaneInstanceType", C | S),
    TREE("controlPlanePlacement", C | S, placement),
    TEXT("etcdInstanceType", C | S),
    TREE("etcdPlacement", C | S, etcd_placement),
    END,
};

static const struct gw_eks_field access[] = {
    FLAG("bootstrapClusterCreatorAdminPermissions", C),
    ONE("authenticationMode", C | U | S, "API, API_AND_CONFIG_MAP, CONFIG_MAP"),
    END,
};

static const struct gw_eks_field upgrade[] = {ONE("supportType", C | U | S, "STANDARD, EXTENDED"), END};

static const struct gw_eks_field cidrs[] = {TEXTS("cidrs", C | U | S), END};

static const struct gw_eks_field remote[] = {
    LIST("remoteNodeNetworks", C | U | S, cidrs),
    LIST("remotePodNetworks", C | U | S, cidrs),
    END,
};

static const struct gw_eks_field compute[] = {
    FLAG("enabled", C | U | S),
    TEXTS("nodePools", C | U | S),
    TEXT("nodeRoleArn", C | U | S),
    END,
};

static const struct gw_eks_field storage[] = {TREE("blockStorage", C | U | S, enabled), END};

static const struct gw_eks_field scaling[] = {
    ONE("tier", C | U | S, "standard, tier-xl, tier-2xl, tier-4xl, tier-8xl"),
    END,
};

const struct gw_eks_field gw_eks_cluster_fields[] = {
    TEXT("name", C | S),
    TEXT("arn", S),
    {"createdAt", GW_EKS_FIELD_TIME, S, NULL, NULL},
    TEXT("version", C | S),
    TEXT("endpoint", S),
    TEXT("roleArn", C | S),
    TREE("resourcesVpcConfig", C | U | S, vpc),
    TREE("kubernetesNetworkConfig", C | U | S, network),
    TREE("logging", C | U | S, logging),
    TREE("identity", S, identity),
    ONE("status", S, "CREATING, ACTIVE, DELETING, FAILED, UPDATING, PENDING"),
    TREE("certificateAuthority", S, certificate),
    TEXT("clientRequestToken", C | U | S),
    TEXT("platformVersion", S),
    {"tags", GW_EKS_FIELD_TEXT_MAP, C | S, NULL, NULL},
    LIST("encryptionConfig", C | S, encryption),
    TREE("connectorConfig", S, connector),
    TEXT("id", S),
    TREE("health", S, health),
    TREE("outpostConfig", C | S, outpost),
    TREE("accessConfig", C | U | S, access),
    FLAG("bootstrapSelfManagedAddons", C),
    TREE("upgradePolicy", C | U | S, upgrade),
    TREE("zonalShiftConfig", C | U | S, enabled),
    TREE("remoteNetworkConfig", C | U | S, remote),
    TREE("computeConfig", C | U | S, compute),
    TREE("storageConfig", C | U | S, storage),
    FLAG("deletionProtection", C | U | S),
    TREE("controlPlaneScalingConfig", C | U | S, scaling),
    END,
};

static bool take_field(const struct gw_eks_walk *walk, const struct gw_eks_field *field, const char *path,
                       const struct gw_json *value, struct gw_json *taken);

/* Tells of a problem; false, so that it can be returned. */
static bool complain(const struct gw_eks_walk *walk, const char *path, const char *text)
{
    walk->problem(walk->ctx, path, text);
    return false;
}

static void join(char out[PATH_SIZE], const char *path, const char *name)
{
    (void)snprintf(out, PATH_SIZE, "%s%s%s", path, path[0] == '\0' ? "" : ".", name);
}

static bool is_value(const char *values, struct gw_str text)
{
    struct gw_str rest = gw_str_from(values);

    while (rest.at != NULL) {
        if (gw_str_equal(gw_str_trim(gw_str_split(&rest, ',')), text))
            return true;
    }
    return false;
}

static bool check_text(const struct gw_eks_walk *walk, const struct gw_eks_field *field, const char *path,
                       const struct gw_json *value, const char *what)
{
    char text[PATH_SIZE];

    if (value->type != GW_JSON_STRING)
        return complain(walk, path, what);
    if (field->values != NULL && !is_value(field->values, value->as.string)) {
        (void)snprintf(text, sizeof(text), "must be one of [%s]", field->values);
        return complain(walk, path, text);
    }
    if (value->as.string.length > walk->text_max) {
        (void)snprintf(text, sizeof(text), "must not be longer than %zu bytes", walk->text_max);
        return complain(walk, path, text);
    }
    return true;
}

static bool check_count(const struct gw_eks_walk *walk, const char *path, size_t count)
{
    char text[PATH_SIZE];

    if (count <= walk->items_max)
        return true;
    (void)snprintf(text, sizeof(text), "must not have more than %zu items", walk->items_max);
    return complain(walk, path, text);
}

static bool check_texts(const struct gw_eks_walk *walk, const struct gw_eks_field *field, const char *path,
                        const struct gw_json *value)
{
    bool good = value->type == GW_JSON_ARRAY;

    if (!good)
        return complain(walk, path, "must be an array of strings");
    good = check_count(walk, path, value->as.array.count);
    for (size_t i = 0; good && i < value->as.array.count; i++)
        good = check_text(walk, field, path, &value->as.array.items[i], "must be an array of strings");
    return good;
}

static bool check_text_map(const struct gw_eks_walk *walk, const struct gw_eks_field *field, const char *path,
                           const struct gw_json *value)
{
    bool good = value->type == GW_JSON_OBJECT;

    if (!good)
        return complain(walk, path, "must be an object of strings");
    good = check_count(walk, path, value->as.object.count);
    for (size_t i = 0; good && i < value->as.object.count; i++)
        good = check_text(walk, field, path, &value->as.object.members[i].value, "must be an object of strings");
    return good;
}

static bool check_time(const struct gw_eks_walk *walk, const char *path, const struct gw_json *value)
{
    double seconds = -1;

    if (value->type == GW_JSON_REAL)
        seconds = value->as.real;
    else if (value->type == GW_JSON_INTEGER)
        seconds = (double)value->as.integer;
    if (seconds >= 0 && seconds <= TIME_MAX)
        return true;
    return complain(walk, path, "must be a number of seconds since 1970");
}

static bool take_objects(const struct gw_eks_walk *walk, const struct gw_eks_field *field, const char *path,
                         const struct gw_json *value, struct gw_json *taken)
{
    const struct gw_eks_field one = {field->name, GW_EKS_FIELD_OBJECT, field->uses, field->fields, NULL};
    bool good = true;

    if (value->type != GW_JSON_ARRAY)
        return complain(walk, path, "must be an array of objects");
    if (!check_count(walk, path, value->as.array.count))
        return false;
    *taken = (struct gw_json){.type = GW_JSON_ARRAY};
    taken->as.array.items = gw_arena_zero(walk->arena, value->as.array.count, sizeof(struct gw_json));
    taken->as.array.count = value->as.array.count;
    for (size_t i = 0; i < value->as.array.count; i++) {
        if (value->as.array.items[i].type != GW_JSON_OBJECT)
            return complain(walk, path, "must be an array of objects");
        good = take_field(walk, &one, path, &value->as.array.items[i], &taken->as.array.items[i]) && good;
    }
    return good;
}

/* "no such member; accepted: a, b, c" */
static bool complain_unknown(const struct gw_eks_walk *walk, const struct gw_eks_field *fields, const char *path,
                             struct gw_str name)
{
    char joined[PATH_SIZE];
    char text[1024];
    size_t length;

    (void)snprintf(joined, sizeof(joined), "%s%s%.*s", path, path[0] == '\0' ? "" : ".", GW_STR_ARG(name));
    length = (size_t)snprintf(text, sizeof(text), "no such member; accepted: ");
    for (size_t i = 0; fields[i].name != NULL && length < sizeof(text); i++) {
        if ((fields[i].uses & walk->use) != 0)
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
                                       text[length - 1] == ' ' ? "" : ", ", fields[i].name);
    }
    return complain(walk, joined, text);
}

static bool take_object(const struct gw_eks_walk *walk, const struct gw_eks_field *fields, const char *path,
                        const struct gw_json *object, struct gw_json *taken)
{
    struct gw_json copy = {.type = GW_JSON_OBJECT};
    bool good = true;

    for (size_t i = 0; fields[i].name != NULL; i++) {
        const struct gw_json *value = gw_json_get(object, fields[i].name);
        char joined[PATH_SIZE];
        struct gw_json one;

        if ((fields[i].uses & walk->use) == 0 || value == NULL || value->type == GW_JSON_NULL)
            continue;
        join(joined, path, fields[i].name);
        if (take_field(walk, &fields[i], joined, value, &one))
            gw_json_set(walk->arena, &copy, gw_str_from(fields[i].name), one);
        else
            good = false;
    }
    for (size_t i = 0; walk->is_strict && i < object->as.object.count; i++) {
        struct gw_str name = object->as.object.members[i].name;

        if (gw_eks_fields_find(fields, walk->use, name) == NULL)
            good = complain_unknown(walk, fields, path, name);
    }
    *taken = copy;
    return good;
}

static bool take_field(const struct gw_eks_walk *walk, const struct gw_eks_field *field, const char *path,
                       const struct gw_json *value, struct gw_json *taken)
{
    *taken = *value;
    switch (field->kind) {
    case GW_EKS_FIELD_TEXT:
        return check_text(walk, field, path, value, "must be a string");
    case GW_EKS_FIELD_BOOLEAN:
        return value->type == GW_JSON_BOOL || complain(walk, path, "must be true or false");
    case GW_EKS_FIELD_TIME:
        return check_time(walk, path, value);
    case GW_EKS_FIELD_TEXTS:
        return check_texts(walk, field, path, value);
    case GW_EKS_FIELD_TEXT_MAP:
        return check_text_map(walk, field, path, value);
    case GW_EKS_FIELD_OBJECT:
        if (value->type != GW_JSON_OBJECT)
            return complain(walk, path, "must be an object");
        return take_object(walk, field->fields, path, value, taken);
    case GW_EKS_FIELD_OBJECTS:
        break;
    }
    return take_objects(walk, field, path, value, taken);
}

bool gw_eks_fields_take(const struct gw_eks_walk *walk, const struct gw_eks_field *fields, const struct gw_json *object,
                        struct gw_json *taken)
{
    return take_object(walk, fields, "", object, taken);
}

const struct gw_eks_field *gw_eks_fields_find(const struct gw_eks_field *fields, enum gw_eks_use use,
                                              struct gw_str name)
{
    for (; fields->name != NULL; fields++) {
        if ((fields->uses & use) != 0 && gw_str_is(name, fields->name))
            return fields;
    }
    return NULL;
}
