/* What head.c, target.c, framing.c and chunks.c share. Functions return -1 if
 * the head is refused. */
#ifndef GOWSGI_HTTP1_READER_H
#define GOWSGI_HTTP1_READER_H

#include "bytes.h"
#include "head.h"

int http1_refuse(gowsgi_head *head, int status, int why, size_t at);

/* The request line, `size` bytes without its end: target.c. */
int http1_read_line(gowsgi_head *head, const uint8_t *data, size_t at, size_t size, const gowsgi_head_limits *limits);
/* host [":" port], as in Host and in an absolute target. */
bool http1_is_authority(const uint8_t *p, size_t size);

/* Notes what a field says of the message: framing.c. */
int http1_note_field(gowsgi_head *head, const uint8_t *data, const gowsgi_field *field);
/* All fields are there: decides what they say together. */
int http1_finish_head(gowsgi_head *head);
/* A field that says how to read the message must not stand in a trailer: RFC
 * 9110, 6.5.1. name: in lower case. */
bool http1_is_framing(const char *name, size_t size);

#endif
