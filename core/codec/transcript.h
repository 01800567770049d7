/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_TRANSCRIPT_H
#define GW_CODEC_TRANSCRIPT_H

/*
 * A request out of what a client shows of it:
 *
 *   raw       the request itself; lines may end in LF alone, as editors leave them
 *   botocore  the log of `aws --debug` or of boto3: "Making request for
 *             OperationModel(...) with params: {...}", "CanonicalRequest:",
 *             "StringToSign:", "Sending http request: <AWSPreparedRequest ...>"
 *   curl      the output of `curl -v`: lines that begin with "> ". It has no body.
 *
 * Of several requests the last one is taken. The text is hostile: it is read, never
 * believed; whether it is a request is for codec/http1.h to say.
 */

#include "base/arena.h"

enum gw_transcript_kind {
    GW_TRANSCRIPT_RAW,
    GW_TRANSCRIPT_BOTOCORE,
    GW_TRANSCRIPT_CURL,
};

struct gw_transcript {
    enum gw_transcript_kind kind;
    size_t requests;    /* in the text */
    struct gw_str head; /* request line and fields with CRLF, and the blank line; curl's HTTP/2 is called HTTP/1.1 */
    bool has_body;      /* false: the text doesn't hold it */
    struct gw_str body; /* raw: all that stands behind the head */
    /* What the client signed, without a newline at the end; {NULL,0}: not in the text. */
    struct gw_str canonical;
    struct gw_str string_to_sign;
};

const char *gw_transcript_kind_name(enum gw_transcript_kind kind); /* "aws --debug", for people */

/* arena. GW_E_MISSING: there is no request in it; GW_E_SYNTAX: there is one that can't be read. `err` says what. */
GW_NODISCARD enum gw_status gw_transcript_read(struct gw_str text, struct gw_arena *arena,
                                               struct gw_transcript *transcript, struct gw_err *err);

/* The one for logs of botocore; transcript_botocore.c. */
GW_NODISCARD enum gw_status gw_transcript_read_botocore(struct gw_str text, struct gw_arena *arena,
                                                        struct gw_transcript *transcript, struct gw_err *err);

#endif
