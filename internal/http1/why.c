#include "head.h"

/* Does: says in a few words why a head or a body was refused.
 * Memory: static.
 * GIL: either.
 * Fails: "" for a number that is none. */
const char *gowsgi_http1_why(int why) {
    static const char *const texts[GOWSGI_WHYS] = {
        [GOWSGI_FINE] = "",
        [GOWSGI_BAD_METHOD] = "the method is no token",
        [GOWSGI_BAD_TARGET] = "the target is neither a path, nor an http URI, nor * for OPTIONS",
        [GOWSGI_BAD_FRAGMENT] = "the target has a fragment",
        [GOWSGI_BAD_AUTHORITY] = "the target's authority is no host with a port",
        [GOWSGI_BAD_VERSION] = "the request line does not end with one blank and HTTP/1.x",
        [GOWSGI_OTHER_VERSION] = "the version of HTTP is neither 1.0 nor 1.1",
        [GOWSGI_NO_CONNECT] = "this is no proxy to CONNECT through",
        [GOWSGI_LONG_LINE] = "the request line is longer than limit_request_line",
        [GOWSGI_LONG_FIELD] = "a field is longer than limit_request_field_size",
        [GOWSGI_MANY_FIELDS] = "there are more fields than limit_request_fields",
        [GOWSGI_LONG_HEAD] = "the head is larger than limit_request_head",
        [GOWSGI_FOLDED] = "a field line begins with a blank",
        [GOWSGI_BAD_NAME] = "a field's name is no token with a colon behind it",
        [GOWSGI_BAD_VALUE] = "a field's value has a control character",
        [GOWSGI_NO_HOST] = "there is no Host",
        [GOWSGI_TWO_HOSTS] = "there are several Hosts",
        [GOWSGI_BAD_HOST] = "Host is no name or address with a port",
        [GOWSGI_BAD_LENGTH] = "Content-Length is no number",
        [GOWSGI_TWO_LENGTHS] = "there are several Content-Lengths",
        [GOWSGI_BAD_CODING] = "Transfer-Encoding is not chunked, once",
        [GOWSGI_OTHER_CODING] = "a Transfer-Encoding other than chunked",
        [GOWSGI_OLD_CODING] = "Transfer-Encoding in HTTP/1.0",
        [GOWSGI_LENGTH_AND_CODING] = "both Transfer-Encoding and Content-Length",
        [GOWSGI_BARE_LF] = "a line of a head with a body ends without CR",
        [GOWSGI_OTHER_EXPECTATION] = "an expectation other than 100-continue",
        [GOWSGI_BAD_CHUNK_SIZE] = "a chunk's size is no hexadecimal number of at most 16 digits",
        [GOWSGI_BAD_CHUNK_LINE] = "a chunk's line does not end with CR LF, or has a control character",
        [GOWSGI_BAD_CHUNK_END] = "a chunk is longer than its size",
        [GOWSGI_CHUNK_OVERHEAD] = "the chunks have more extensions than body",
        [GOWSGI_BAD_TRAILER] = "a trailer with a field that says how to read the message",
    };
    return why > 0 && why < GOWSGI_WHYS ? texts[why] : "";
}
