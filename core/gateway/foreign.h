/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_FOREIGN_H
#define GW_GATEWAY_FOREIGN_H

/*
 * Requests that a web page could have a browser send to a listener that asks for
 * no proof of who comes: a page of another site (Origin, Sec-Fetch-Site: Fetch
 * standard and Fetch Metadata), and one whose own name was rebound to our address
 * (Host). For the admin listener and for auth = "none".
 */

#include "codec/http1.h"
#include "net/listener.h"

/* Further names of the listeners, each with or without a port. Borrowed. */
struct gw_foreign_names {
    const struct gw_str *items;
    size_t count;
};

/* True when `host`, a Host field's value, is the TCP listener's own address, of a loopback one also localhost, or one
 * of the names. The port is the listener's; it may be left out behind a name, and where it is the scheme's own. */
bool gw_foreign_is_named(const struct gw_listener *listener, struct gw_foreign_names names, struct gw_str host);

/* What is said of a Host that isn't. */
extern const char gw_foreign_host_words[];

/* Why a browser must have sent it on behalf of a page that isn't ours; NULL: nothing says so. */
const char *gw_foreign_why(const struct gw_http1_request *request);

/* True when a body is declared. */
bool gw_foreign_has_body(const struct gw_http1_request *request);

/* True when the Content-Type is this one ("application/json"), with or without parameters. No page can send such a
 * request to another site without being asked first (a CORS preflight), unless it is a form's type or text/plain. */
bool gw_foreign_is_type(const struct gw_http1_request *request, const char *type);

/* True when there is no body, or one of a type that SDKs send: JSON's, or with `forms` a form's, for protocols that are
 * made of forms. */
bool gw_foreign_is_body_good(const struct gw_http1_request *request, bool forms);

#endif
