/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each step of verify.c by itself. A step runs when what it reads is there,
 * whether the ones before it held or not. Where the signature doesn't hold, a few
 * canonical requests that signers make by mistake are tried: the one that would
 * have held names the mistake. Secrets and expected signatures stay in here.
 */
#include "auth/explain.h"

#include "auth/secret.h"
#include "auth/verify_look.h"

#define CANONICAL_MAX ((size_t)4 << 20)
#define BIT(check)    (1U << (check))

const char *gw_explain_check_name(enum gw_explain_check check)
{
    static const char *const names[] = {
        [GW_EXPLAIN_ESCAPES] = "escapes",
        [GW_EXPLAIN_FORM] = "form",
        [GW_EXPLAIN_DATE] = "date",
        [GW_EXPLAIN_CLOCK] = "clock",
        [GW_EXPLAIN_SIGNED_HEADERS] = "signed headers",
        [GW_EXPLAIN_BODY_CLAIM] = "x-amz-content-sha256",
        [GW_EXPLAIN_SCOPE] = "scope",
        [GW_EXPLAIN_KEY] = "key",
        [GW_EXPLAIN_BODY_HASH] = "body hash",
        [GW_EXPLAIN_SIGNATURE] = "signature",
        [GW_EXPLAIN_TOKEN] = "token",
        [GW_EXPLAIN_EXPIRY] = "key expiry",
    };

    return names[check];
}

/* What the steps before the body read: the ones that must have held, and the words where they didn't. */
static const struct {
    unsigned needs;
    const char *why;
} steps[GW_VERIFY_STEPS] = {
    [GW_EXPLAIN_FORM] = {BIT(GW_EXPLAIN_ESCAPES), "the path or the query can't be read"},
    [GW_EXPLAIN_DATE] = {BIT(GW_EXPLAIN_FORM), "the form can't be read"},
    [GW_EXPLAIN_CLOCK] = {BIT(GW_EXPLAIN_DATE), "the date can't be read"},
    [GW_EXPLAIN_SIGNED_HEADERS] = {BIT(GW_EXPLAIN_FORM), "the form can't be read"},
    [GW_EXPLAIN_SCOPE] = {BIT(GW_EXPLAIN_DATE), "the date can't be read"},
    [GW_EXPLAIN_KEY] = {BIT(GW_EXPLAIN_FORM), "the form can't be read"},
};

/* One report on its way. */
struct work {
    struct gw_verify_look look;
    struct gw_verify state;
    const struct gw_explain_request *what;
    struct gw_explain_report *report;
    unsigned held; /* bits */
    struct gw_sigv4_credential credential;
    bool has_credential;
    bool has_payload;
    struct gw_sigv4_request canonical;
    unsigned char hash[GW_DIGEST_SIZE];
    enum gw_status hashed;
};

static void leave_open(struct work *work, enum gw_explain_check check, const char *why)
{
    work->report->findings[check] = (struct gw_explain_finding){.outcome = GW_EXPLAIN_OPEN, .why = why};
}

static void settle(struct work *work, enum gw_explain_check check, bool holds)
{
    work->report->findings[check].outcome = holds ? GW_EXPLAIN_HOLDS : GW_EXPLAIN_FAILS;
    work->held |= holds ? BIT(check) : 0;
}

static void refuse(struct work *work, enum gw_explain_check check, const char *type, struct gw_str message)
{
    work->report->findings[check].refusal = (struct gw_refusal){403, type, message};
    settle(work, check, false);
}

/* The credential's own words, also where the scope isn't good: whose key it is can be told all the same. */
static void read_credential(struct work *work)
{
    struct gw_err err;

    if ((work->held & BIT(GW_EXPLAIN_FORM)) == 0 ||
        gw_sigv4_parse_credential(work->look.auth.credential, &work->credential, &err) != GW_OK)
        return;
    work->has_credential = true;
    gw_verify_take_scope(&work->look, &work->credential);
    work->report->region = work->credential.region;
}

static void look_before_body(struct work *work)
{
    for (size_t i = 0; i < GW_VERIFY_STEPS; i++) {
        struct gw_explain_finding *finding = &work->report->findings[i];

        if (i == GW_EXPLAIN_KEY)
            read_credential(work);
        if ((steps[i].needs & ~work->held) != 0) {
            leave_open(work, (enum gw_explain_check)i, steps[i].why);
        } else if (i == GW_EXPLAIN_KEY && !work->has_credential) {
            leave_open(work, GW_EXPLAIN_KEY, "the credential can't be read");
        } else {
            work->look.refusal = &finding->refusal;
            settle(work, (enum gw_explain_check)i, gw_verify_steps[i](&work->look) == GW_OK);
        }
    }
    if (work->state.key != NULL) {
        work->report->has_caller = true;
        gw_verify_fill_caller(work->state.key, work->look.arena, &work->report->caller);
    }
}

/* The hash of the body, or what the request claims it to be. */
static void find_payload(struct work *work)
{
    const struct gw_http1_request *request = work->what->request;
    unsigned char claimed[GW_DIGEST_SIZE];

    if (work->what->has_body) {
        gw_digest_sha256(work->what->body, work->canonical.payload);
        work->has_payload = true;
        if (gw_verify_claim_is_true(request, work->canonical.payload))
            settle(work, GW_EXPLAIN_BODY_HASH, true);
        else
            refuse(work, GW_EXPLAIN_BODY_HASH, GW_VERIFY_INVALID,
                   GW_STR("The provided 'x-amz-content-sha256' header does not match what was computed."));
        return;
    }
    leave_open(work, GW_EXPLAIN_BODY_HASH, "the body isn't known");
    if (gw_digest_from_hex(gw_http1_header(request, GW_HEADER_X_AMZ_CONTENT_SHA256), claimed) != GW_OK)
        return;
    memcpy(work->canonical.payload, claimed, sizeof(claimed));
    work->has_payload = true;
}

static struct gw_str canonical_text(struct work *work, bool redact)
{
    struct gw_str text;
    struct gw_buf buf;

    gw_buf_init(&buf, CANONICAL_MAX);
    (void)gw_sigv4_canonical_text(&work->canonical, redact, &buf);
    if (!work->has_payload && buf.length >= GW_DIGEST_HEX_SIZE)
        buf.length -= GW_DIGEST_HEX_SIZE;
    text = gw_arena_str(work->look.arena, gw_buf_str(&buf));
    gw_wipe(buf.at, buf.length);
    gw_buf_fini(&buf);
    return text;
}

static void make_texts(struct work *work)
{
    struct gw_explain_report *report = work->report;
    struct gw_buf text;

    report->canonical = canonical_text(work, false);
    report->shown = canonical_text(work, true);
    work->hashed = gw_sigv4_canonical_hash(&work->canonical, work->hash);
    if (!work->has_credential || !work->has_payload || (work->held & BIT(GW_EXPLAIN_DATE)) == 0)
        return;
    gw_buf_init(&text, CANONICAL_MAX);
    gw_sigv4_string_to_sign(gw_str_from(work->state.timestamp), work->state.scope, work->hash, &text);
    report->string_to_sign = gw_arena_str(work->look.arena, gw_buf_str(&text));
    gw_buf_fini(&text);
}

static bool would_hold(const struct work *work, const unsigned char hash[GW_DIGEST_SIZE])
{
    const struct gw_verify *state = &work->state;
    struct gw_str time = {state->timestamp, sizeof(state->timestamp) - 1};
    unsigned char expected[GW_DIGEST_SIZE];
    struct gw_hmac_key key;
    bool matches;

    gw_sigv4_derive_key(gw_secret_text(state->key->secret), state->date, state->region, work->credential.service, &key);
    gw_sigv4_signature(&key, time, state->scope, hash, expected);
    matches = gw_digest_equal(expected, state->signature, sizeof(expected)) && state->signature_formed;
    gw_wipe(&key, sizeof(key));
    gw_wipe(expected, sizeof(expected));
    return matches;
}

/* Would it hold with `line` (from 0; SIZE_MAX: the last) of the canonical request being this text? */
static bool would_hold_with(const struct work *work, size_t line, struct gw_str text)
{
    struct gw_str rest = work->report->canonical;
    unsigned char hash[GW_DIGEST_SIZE];
    struct gw_sha256 digest;

    gw_digest_init(&digest);
    for (size_t i = 0; rest.at != NULL; i++) {
        struct gw_str piece = gw_str_split(&rest, '\n');
        bool is_last = rest.at == NULL;

        if (i == line || (is_last && line == SIZE_MAX))
            piece = text;
        gw_digest_update(&digest, piece.at, piece.length);
        if (!is_last)
            gw_digest_update(&digest, "\n", 1);
    }
    gw_digest_final(&digest, hash);
    return would_hold(work, hash);
}

/* The line of the canonical request that has the host, and its value without a port. */
static bool holds_without_port(struct work *work)
{
    struct gw_str host = work->what->request->host;
    struct gw_str rest = work->report->canonical;
    size_t colon = host.length;

    while (colon > 0 && host.at[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return false;
    for (size_t i = 0; rest.at != NULL; i++) {
        if (gw_str_starts(gw_str_split(&rest, '\n'), GW_STR("host:")) && i > 2)
            return would_hold_with(work, i, gw_arena_printf(work->look.arena, "host:%.*s", (int)(colon - 1), host.at));
    }
    return false;
}

/* A mistake that signers make, when one of those explains the signature. */
static const char *find_mistake(struct work *work)
{
    const struct gw_http1_request *request = work->what->request;
    struct gw_str query = request->query.at == NULL ? GW_STR("") : request->query;

    if (would_hold_with(work, 1, request->path))
        return "it holds for a path that was encoded once; for EKS each byte of the path as sent is encoded again";
    if (would_hold_with(work, 2, query))
        return "it holds for the query as it was sent; the canonical query is encoded anew and sorted";
    if (would_hold_with(work, SIZE_MAX, GW_STR("UNSIGNED-PAYLOAD")))
        return "it holds for UNSIGNED-PAYLOAD; the body's SHA-256 must be signed";
    if (would_hold_with(work, SIZE_MAX, GW_STR("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")))
        return "it holds for an empty body: the body was added after signing, or another one was signed";
    if (holds_without_port(work))
        return "it holds for a Host without its port";
    return NULL;
}

static void look_at_signature(struct work *work)
{
    struct gw_explain_finding *finding = &work->report->findings[GW_EXPLAIN_SIGNATURE];

    if (work->state.key == NULL)
        leave_open(work, GW_EXPLAIN_SIGNATURE, "the key isn't known");
    else if ((work->held & BIT(GW_EXPLAIN_DATE)) == 0)
        leave_open(work, GW_EXPLAIN_SIGNATURE, "the date can't be read");
    else if (!work->has_payload)
        leave_open(work, GW_EXPLAIN_SIGNATURE, "the body isn't known");
    else if (would_hold(work, work->hash) && work->hashed == GW_OK)
        settle(work, GW_EXPLAIN_SIGNATURE, true);
    else
        refuse(work, GW_EXPLAIN_SIGNATURE, GW_VERIFY_INVALID,
               work->hashed == GW_E_MISSING
                   ? GW_STR("A header that SignedHeaders names is not in the request.")
                   : GW_STR("The request signature we calculated does not match the signature you provided."));
    if (finding->outcome == GW_EXPLAIN_FAILS && work->hashed == GW_OK)
        finding->why = find_mistake(work);
}

static void look_at_key(struct work *work)
{
    const struct gw_key *key = work->state.key;

    if (key == NULL) {
        leave_open(work, GW_EXPLAIN_TOKEN, "the key isn't known");
        leave_open(work, GW_EXPLAIN_EXPIRY, "the key isn't known");
        return;
    }
    settle(work, GW_EXPLAIN_TOKEN, true);
    if (!gw_verify_token_is_right(&work->state, work->what->request))
        refuse(work, GW_EXPLAIN_TOKEN, GW_VERIFY_UNKNOWN,
               GW_STR("The security token included in the request is invalid"));
    settle(work, GW_EXPLAIN_EXPIRY, true);
    if (key->expires_ms <= work->what->now_ms)
        refuse(work, GW_EXPLAIN_EXPIRY, "ExpiredTokenException",
               GW_STR("The security token included in the request is expired"));
}

void gw_explain_signature(struct gw_verifier *verifier, const struct gw_keyring *keyring,
                          const struct gw_explain_request *what, struct gw_arena *arena,
                          struct gw_explain_report *report)
{
    struct work work = {.what = what, .report = report, .state = {.service = what->service}};

    *report = (struct gw_explain_report){.has_caller = false};
    work.look = (struct gw_verify_look){.verifier = verifier,
                                        .keyring = keyring,
                                        .request = what->request,
                                        .arena = arena,
                                        .state = &work.state,
                                        .now_s = what->now_ms / 1000};
    look_before_body(&work);
    work.canonical = gw_verify_canonical(&work.look);
    find_payload(&work);
    if ((work.held & BIT(GW_EXPLAIN_FORM)) != 0) {
        make_texts(&work);
        look_at_signature(&work);
    } else {
        leave_open(&work, GW_EXPLAIN_SIGNATURE, "the form can't be read");
    }
    look_at_key(&work);
}
