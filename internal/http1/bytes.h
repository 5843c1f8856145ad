/* What the bytes of a head may be, by where they stand; and comparing without
 * regard to case. */
#ifndef GOWSGI_HTTP1_BYTES_H
#define GOWSGI_HTTP1_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTTP1_TOKEN = 1, /* RFC 9110, 5.6.2 */
    HTTP1_VALUE = 2, /* RFC 9110, 5.5: blanks, visible ASCII, obs-text */
    HTTP1_TARGET = 4, /* visible ASCII but "#", and bytes that should have been percent-encoded */
    HTTP1_NAME = 8, /* of a host: RFC 3986, 3.2.2, reg-name without the comma, which joins several */
    HTTP1_LITERAL = 16, /* of an address in brackets */
    HTTP1_SCHEME = 32, /* of a URI */
    HTTP1_DIGIT = 64,
    HTTP1_HEX = 128,
};

extern const uint8_t http1_class[256];

static inline bool http1_is(uint8_t byte, uint8_t class) { return (http1_class[byte] & class) != 0; }

/* How many of the bytes from p to end are of that class, from the first on. */
static inline size_t http1_run(const uint8_t *p, const uint8_t *end, uint8_t class) {
    const uint8_t *start = p;
    while (p < end && http1_is(*p, class))
        p++;
    return (size_t)(p - start);
}

static inline uint8_t http1_lower(uint8_t byte) { return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte; }

/* word: in lower case. */
static inline bool http1_equals(const uint8_t *p, size_t size, const char *word, size_t word_size) {
    if (size != word_size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (http1_lower(p[i]) != (uint8_t)word[i])
            return false;
    return true;
}

#define HTTP1_EQUALS(p, size, word) http1_equals(p, size, word, sizeof(word) - 1)

#endif
