/* The walk over an environ block; package environ tells how it is laid out. */
#ifndef GOWSGI_EMBED_BLOCK_H
#define GOWSGI_EMBED_BLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    unsigned key; /* number of its name; 0: the name is spelled out */
    size_t name_size, value_size;
    const char *name, *value; /* in the block */
} wsgi_entry;

/* Takes the first entry off a block. 1: there was one; 0: the block is at its
 * end; -1: a length leads out of it. Blocks come from our own Go code, but one
 * that is malformed would make us read foreign memory.
 * GIL: either; async-signal-safe. */
static inline int wsgi_block_next(const uint8_t **block, size_t *size, wsgi_entry *entry) {
    struct {
        uint16_t key, name_size;
        uint32_t value_size;
    } sizes;
    if (*size == 0)
        return 0;
    if (*size < sizeof sizes)
        return -1;
    memcpy(&sizes, *block, sizeof sizes);
    size_t whole = sizeof sizes + sizes.name_size + sizes.value_size;
    if (whole > *size)
        return -1;
    const char *name = (const char *)*block + sizeof sizes;
    *entry = (wsgi_entry){sizes.key, sizes.name_size, sizes.value_size, name, name + sizes.name_size};
    *block += whole;
    *size -= whole;
    return 1;
}

#endif
