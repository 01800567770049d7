/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document is kept as JSON text in the record, and read only where a cluster
 * is shown or changed: operations on access entries look at the record's mode.
 *
 * createdAt is written as EKS writes times, seconds with three places; in between
 * it is a double, which holds milliseconds exactly enough until the year 9999.
 */
#include "eks/cluster_document.h"

#include "codec/time.h"

/* Requests (cluster_input.c), configuration and states are held to far less, escaped and added up over all updates. */
#define DOCUMENT_MAX ((size_t)64 << 20)
#define ID_DIGITS    32

/* Base64 of the PEM of a certificate for "not a real certificate authority", whose private key nobody has: kubectl and
 * SDKs take the kubeconfig for good, and nothing can be trusted through it. */
static const char no_authority[] =
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJmakNDQVNTZ0F3SUJBZ0lCQVRBS0JnZ3Foa2pPUFFRREFqQTlNUkF3RGdZ"
    "RFZRUUtEQWRsYTNObllYUmwKTVNrd0p3WURWUVFERENCdWIzUWdZU0J5WldGc0lHTmxjblJwWm1sallYUmxJR0YxZEdodmNtbDBl"
    "VEFnRncwdwpNREF4TURFd01EQXdNREJhR0E4eU1UQXdNREV3TVRBd01EQXdNRm93UFRFUU1BNEdBMVVFQ2d3SFpXdHpaMkYwClpU"
    "RXBNQ2NHQTFVRUF3d2dibTkwSUdFZ2NtVmhiQ0JqWlhKMGFXWnBZMkYwWlNCaGRYUm9iM0pwZEhrd1dUQVQKQmdjcWhrak9QUUlC"
    "QmdncWhrak9QUU1CQndOQ0FBUjNJU1ZDbHdjT1RJeGJ4QUVSMFJNUkhMbGZGeGJ1V0w4SwpDQ2U3L0trQW1GVWlSL0dPZnQzdlQz"
    "a1c3c1dZVFFEdmdha3dUUUViMDJHRHZOWWNUQmJsb3hNd0VUQVBCZ05WCkhSTUJBZjhFQlRBREFRSC9NQW9HQ0NxR1NNNDlCQU1D"
    "QTBnQU1FVUNJRFdGeW5QbFd1Nm1ZV0lMUVFDTnFoQnoKQXhsVVU0WW41dUpJU1QrYWJ2V2JBaUVBNWVYN2VJSUhVeThzd2tQaEpk"
    "M1JBakoxeStDam9paWNrTU4zcTVmeQorazg9Ci0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K";

/* What a cluster is where nothing is given. The order is the model's. */
static const char template[] =
    "{\"name\":null,\"arn\":null,\"createdAt\":null,\"version\":\"1.33\",\"endpoint\":null,\"roleArn\":null,"
    "\"resourcesVpcConfig\":{\"subnetIds\":[\"subnet-00000000000000001\",\"subnet-00000000000000002\"],"
    "\"securityGroupIds\":[],\"clusterSecurityGroupId\":\"sg-00000000000000000\",\"vpcId\":\"vpc-00000000000000000\","
    "\"endpointPublicAccess\":true,\"endpointPrivateAccess\":false,\"publicAccessCidrs\":[\"0.0.0.0/0\"],"
    "\"controlPlaneEgressMode\":null},"
    "\"kubernetesNetworkConfig\":{\"serviceIpv4Cidr\":\"" GW_EKS_SERVICE_CIDR "\",\"serviceIpv6Cidr\":null,"
    "\"ipFamily\":\"ipv4\",\"elasticLoadBalancing\":{\"enabled\":false}},"
    "\"logging\":{\"clusterLogging\":[{\"types\":[\"api\",\"audit\",\"authenticator\",\"controllerManager\","
    "\"scheduler\"],\"enabled\":false}]},"
    "\"identity\":{\"oidc\":{\"issuer\":null}},\"status\":\"ACTIVE\",\"certificateAuthority\":{\"data\":null},"
    "\"clientRequestToken\":null,\"platformVersion\":\"eks.1\",\"tags\":{},\"encryptionConfig\":null,"
    "\"connectorConfig\":null,\"id\":null,\"health\":{\"issues\":[]},\"outpostConfig\":null,"
    "\"accessConfig\":{\"authenticationMode\":null},\"upgradePolicy\":{\"supportType\":\"EXTENDED\"},"
    "\"zonalShiftConfig\":null,\"remoteNetworkConfig\":null,\"computeConfig\":null,\"storageConfig\":null,"
    "\"deletionProtection\":false,\"controlPlaneScalingConfig\":{\"tier\":\"standard\"}}";

static struct gw_json parse(struct gw_str text, struct gw_arena *arena)
{
    struct gw_json document;
    struct gw_err err;

    if (gw_json_parse(text, arena, &document, &err) != GW_OK)
        gw_fatal("a cluster's document: %s", err.text);
    return document;
}

static void set_text(struct gw_arena *arena, struct gw_json *to, const char *name, struct gw_str text)
{
    gw_json_set(arena, to, gw_str_from(name), gw_json_string(text));
}

static struct gw_json *find_member(struct gw_json *object, struct gw_str name)
{
    for (size_t i = 0; i < object->as.object.count; i++) {
        if (gw_str_equal(object->as.object.members[i].name, name))
            return &object->as.object.members[i].value;
    }
    return NULL;
}

static void set_inside(struct gw_arena *arena, struct gw_json *document, const char *outer, const char *inner,
                       struct gw_str text)
{
    set_text(arena, find_member(document, gw_str_from(outer)), inner, text);
}

/* A copy of the object's own array of members, so that changing it leaves the original alone. */
static void own_members(struct gw_arena *arena, struct gw_json *object)
{
    struct gw_json_member *members = gw_arena_zero(arena, object->as.object.count, sizeof(*members));

    if (object->as.object.count > 0)
        memcpy(members, object->as.object.members, object->as.object.count * sizeof(*members));
    object->as.object.members = members;
}

void gw_eks_cluster_lay_over(struct gw_arena *arena, struct gw_json *document, const struct gw_json *members)
{
    own_members(arena, document);
    for (size_t i = 0; members != NULL && i < members->as.object.count; i++) {
        const struct gw_json_member *member = &members->as.object.members[i];
        struct gw_json *there = find_member(document, member->name);

        if (there != NULL && there->type == GW_JSON_OBJECT && member->value.type == GW_JSON_OBJECT &&
            !gw_str_is(member->name, "tags"))
            gw_eks_cluster_lay_over(arena, there, &member->value);
        else
            gw_json_set(arena, document, member->name, member->value);
    }
}

/* 32 upper-case hexadecimal digits, which EKS has in the endpoint and in the issuer of a cluster alike. */
static void make_id(const struct gw_store_key *key, const struct gw_eks_env *env, char out[ID_DIGITS + 1])
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char bytes[ID_DIGITS / 2];

    gw_eks_make_id(env, GW_STR("cluster"), key, bytes);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[ID_DIGITS] = '\0';
}

/* A cluster of the second family has that one's range, and no other unless one was given. */
static void settle_family(struct gw_arena *arena, const struct gw_json *given, struct gw_json *document)
{
    struct gw_json *network = find_member(document, GW_STR("kubernetesNetworkConfig"));
    const struct gw_json *given_network = gw_json_get(given, "kubernetesNetworkConfig");
    const struct gw_json *family = gw_json_get(network, "ipFamily");
    const struct gw_json *range = gw_json_get(network, "serviceIpv6Cidr");

    if (family == NULL || !gw_str_is(family->as.string, "ipv6") || range == NULL)
        return;
    if (gw_json_get(given_network, "serviceIpv4Cidr") == NULL)
        gw_json_set(arena, network, GW_STR("serviceIpv4Cidr"), (struct gw_json){.type = GW_JSON_NULL});
    if (range->type == GW_JSON_NULL)
        set_text(arena, network, "serviceIpv6Cidr", GW_STR("fd00::/108"));
}

static struct gw_json made_document(const struct gw_eks_cluster_plan *plan, const struct gw_eks_env *env,
                                    struct gw_arena *arena)
{
    const struct gw_store_key *key = &plan->key;
    struct gw_json document = parse(GW_STR(template), arena);
    char id[ID_DIGITS + 1];

    make_id(key, env, id);
    set_text(arena, &document, "name", key->cluster);
    set_text(arena, &document, "arn",
             gw_arena_printf(arena, "arn:%.*s:eks:%.*s:%.*s:cluster/%.*s", GW_STR_ARG(key->partition),
                             GW_STR_ARG(key->region), GW_STR_ARG(key->account), GW_STR_ARG(key->cluster)));
    gw_json_set(arena, &document, GW_STR("createdAt"),
                (struct gw_json){.type = GW_JSON_REAL, .as.real = (double)env->now_ms / 1000});
    set_text(arena, &document, "endpoint",
             gw_arena_printf(arena, "https://%s.%.*s.eks.invalid", id, GW_STR_ARG(key->region)));
    set_text(arena, &document, "roleArn",
             gw_arena_printf(arena, "arn:%.*s:iam::%.*s:role/eksgate-no-role", GW_STR_ARG(key->partition),
                             GW_STR_ARG(key->account)));
    gw_json_set(
        arena, find_member(find_member(&document, GW_STR("identity")), GW_STR("oidc")), GW_STR("issuer"),
        gw_json_string(gw_arena_printf(arena, "https://oidc.eks.%.*s.invalid/id/%s", GW_STR_ARG(key->region), id)));
    set_inside(arena, &document, "certificateAuthority", "data", GW_STR(no_authority));
    return document;
}

static void encode(const struct gw_json *document, struct gw_buf *out)
{
    gw_buf_append_byte(out, '{');
    for (size_t i = 0; i < document->as.object.count; i++) {
        const struct gw_json_member *member = &document->as.object.members[i];
        double seconds = member->value.type == GW_JSON_REAL ? member->value.as.real : (double)member->value.as.integer;

        if (i > 0)
            gw_buf_append_byte(out, ',');
        gw_json_encode_string(member->name, out);
        gw_buf_append_byte(out, ':');
        if (gw_str_is(member->name, "createdAt"))
            gw_time_encode_decimal((int64_t)(seconds * 1000 + 0.5), out);
        else
            gw_json_encode(&member->value, out);
    }
    gw_buf_append_byte(out, '}');
}

/* new */
static struct gw_cluster *record(const struct gw_cluster *like, struct gw_json *document, struct gw_arena *arena)
{
    struct gw_json access = {.type = GW_JSON_OBJECT};
    struct gw_cluster cluster = *like;
    struct gw_cluster *made;
    struct gw_buf text;

    set_text(arena, &access, "authenticationMode",
             gw_str_from(gw_eks_auth_mode_name((enum gw_eks_auth_mode)like->mode)));
    gw_json_set(arena, document, GW_STR("accessConfig"), access);
    gw_buf_init(&text, DOCUMENT_MAX);
    encode(document, &text);
    if (text.overflowed)
        gw_fatal("a cluster's document passes %zu bytes", DOCUMENT_MAX);
    cluster.document = gw_buf_str(&text);
    made = gw_cluster_new(&cluster);
    gw_buf_fini(&text);
    return made;
}

struct gw_cluster *gw_eks_cluster_make(const struct gw_eks_cluster_plan *plan, const struct gw_eks_env *env,
                                       struct gw_arena *arena)
{
    struct gw_json document = made_document(plan, env, arena);
    const struct gw_cluster cluster = {.key = plan->key, .mode = plan->mode};

    gw_eks_cluster_lay_over(arena, &document, plan->given);
    settle_family(arena, plan->given, &document);
    return record(&cluster, &document, arena);
}

struct gw_cluster *gw_eks_cluster_change(const struct gw_cluster *cluster, const struct gw_json *members,
                                         enum gw_eks_auth_mode mode, struct gw_arena *arena)
{
    struct gw_json document = gw_eks_cluster_read(cluster, arena);
    struct gw_cluster like = *cluster;

    like.mode = mode;
    gw_eks_cluster_lay_over(arena, &document, members);
    return record(&like, &document, arena);
}

struct gw_json gw_eks_cluster_read(const struct gw_cluster *cluster, struct gw_arena *arena)
{
    return parse(cluster->document, arena);
}

/* arena: {"cluster":TEXT}; no heap memory, a Describe is a copy. */
static struct gw_str wrap(struct gw_str text, struct gw_arena *arena)
{
    static const struct gw_str front = GW_STR_INIT("{\"cluster\":");
    char *at = gw_arena_alloc(arena, front.length + text.length + 1);

    memcpy(at, front.at, front.length);
    memcpy(at + front.length, text.at, text.length);
    at[front.length + text.length] = '}';
    return (struct gw_str){at, front.length + text.length + 1};
}

struct gw_str gw_eks_cluster_reply(const struct gw_cluster *cluster, struct gw_str status, struct gw_arena *arena)
{
    struct gw_json document;
    struct gw_str reply;
    struct gw_buf text;

    if (status.at == NULL)
        return wrap(cluster->document, arena);
    document = gw_eks_cluster_read(cluster, arena);
    set_text(arena, &document, "status", status);
    gw_buf_init(&text, DOCUMENT_MAX);
    encode(&document, &text);
    reply = wrap(gw_buf_str(&text), arena);
    gw_buf_fini(&text);
    return reply;
}
