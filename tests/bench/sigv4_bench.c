/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What verifying one signed DescribeAccessEntry costs, its signing key cached:
 * admit and finish on a parsed head, without the parsing. Prints the median of
 * several rounds in CPU time. An argument changes the number of rounds.
 *
 *   sigv4-verify describe ns=640
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "auth/verify.h"

#define CALLS 50000

static const char head[] =
    "GET /clusters/prod/access-entries/arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fmy-role HTTP/1.1\r\n"
    "Host: eks.us-east-1.amazonaws.com\r\n"
    "Accept-Encoding: identity\r\n"
    "User-Agent: Boto3/1.43.11 md/Botocore#1.43.11 ua/2.1 os/linux#6.1 md/arch#x86_64 lang/python#3.11\r\n"
    "X-Amz-Date: 20150830T123600Z\r\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/eks/aws4_request, "
    "SignedHeaders=host;x-amz-date, "
    "Signature=1e4fcb0bd084b4c10213050daa50d1456a920ab7941866b73cf103dbda6d5ab9\r\n"
    "amz-sdk-invocation-id: 6ba7b810-9dad-11d1-80b4-00c04fd430c8\r\n"
    "amz-sdk-request: attempt=1\r\n"
    "\r\n";

static const char keys[] = "{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"AKIDEXAMPLE\",\"SecretAccessKey\":"
                           "\"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\","
                           "\"Arn\":\"arn:aws:iam::111122223333:user/bench\"}]}";

/* Of this process alone, so that a busy machine doesn't count. */
static double now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void verify(struct gw_verifier *verifier, const struct gw_keyring *keyring,
                   const struct gw_http1_request *request, struct gw_arena *arena)
{
    struct gw_verify state = {.service = {GW_STR_INIT("eks"), false}};
    struct gw_caller caller;
    struct gw_refusal refusal;
    int64_t now = INT64_C(1440938160000);

    gw_arena_reset(arena);
    if (gw_verify_admit(verifier, keyring, request, now, arena, &state, &refusal) != GW_OK ||
        gw_verify_finish(verifier, &state, request, GW_STR(""), now, arena, &caller, &refusal) != GW_OK)
        gw_fatal("refused: %.*s", GW_STR_ARG(refusal.message));
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

int main(int argc, char **argv)
{
    static const struct gw_http1_limits limits = {65536, 128, 1 << 20};
    static const struct gw_verify_options options = {.clock_window_s = 300};
    static struct gw_http1_request request;
    static double rounds[101];
    uint64_t count = 11;
    struct gw_verifier *verifier = gw_verify_new(&options);
    struct gw_keyring *keyring = NULL;
    struct gw_http1_error error;
    struct gw_arena arena;
    struct gw_err err;
    size_t scanned = 0;

    if (argc > 1 && (gw_str_parse_u64(gw_str_from(argv[1]), GW_COUNT(rounds), &count) != GW_OK || count == 0))
        gw_fatal("usage: sigv4_bench [ROUNDS], 1 to 101");
    if (gw_keyring_parse(GW_STR(keys), "keys", &keyring, &err) != GW_OK)
        gw_fatal("%s", err.text);
    if (gw_http1_parse_head(GW_STR(head), &limits, &scanned, &request, &error) != GW_OK)
        gw_fatal("%s", error.reason);
    gw_arena_init(&arena, 0);
    for (uint64_t r = 0; r < count; r++) {
        double start = now_ns();

        for (int i = 0; i < CALLS; i++)
            verify(verifier, keyring, &request, &arena);
        rounds[r] = (now_ns() - start) / CALLS;
    }
    qsort(rounds, count, sizeof(rounds[0]), compare);
    printf("sigv4-verify describe ns=%.0f\n", rounds[count / 2]);
    gw_arena_fini(&arena);
    gw_keyring_free(&keyring);
    gw_verify_free(&verifier);
    return 0;
}
