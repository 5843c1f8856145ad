/* Status and header fields of a response: checked, then flattened for Go. */
#include "wsgi.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* RFC 9110, 5.6.2: what a field name is made of. */
static bool is_token(const uint8_t *s, Py_ssize_t size) {
    for (Py_ssize_t i = 0; i < size; i++) {
        uint8_t c = s[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c && strchr("!#$%&'*+-.^_`|~", c))))
            return false;
    }
    return size > 0;
}

/* PEP 3333: no control characters, "including carriage returns or linefeeds". */
static bool is_text(const uint8_t *s, Py_ssize_t size) {
    for (Py_ssize_t i = 0; i < size; i++)
        if ((s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
            return false;
    return true;
}

static bool same_name(const uint8_t *name, Py_ssize_t size, const char *lower) {
    return strlen(lower) == (size_t)size && strncasecmp((const char *)name, lower, (size_t)size) == 0;
}

/* The latin-1 bytes of a str, borrowed from it; NULL with an exception. `what`
 * names it for the reader. */
static const uint8_t *bytes_of(PyObject *text, const char *what, Py_ssize_t *size) {
    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "%s must be a str, not %.100s: %R", what, Py_TYPE(text)->tp_name, text);
        return NULL;
    }
#if PY_VERSION_HEX < 0x030c0000
    if (PyUnicode_READY(text) < 0)
        return NULL;
#endif
    if (PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND) {
        PyErr_Format(PyExc_ValueError, "%s has characters beyond latin-1 (PEP 3333, Unicode Issues): %R", what, text);
        return NULL;
    }
    *size = PyUnicode_GET_LENGTH(text);
    return PyUnicode_1BYTE_DATA(text);
}

/* The status code; the reason becomes the head's first field, one without a name. */
static int parse_status(wsgi_head *head, PyObject *status) {
    Py_ssize_t size;
    const uint8_t *s = bytes_of(status, "the status", &size);
    if (!s)
        return -1;
    bool shaped = size >= 4 && size <= INT32_MAX && s[3] == ' ' && is_text(s, size);
    int code = 0;
    for (int i = 0; i < 3 && shaped; i++) {
        shaped = s[i] >= '0' && s[i] <= '9';
        code = code * 10 + (s[i] - '0');
    }
    if (!shaped || code < 200) {
        PyErr_Format(PyExc_ValueError,
                     "the status must be three digits from 200 on, a space and a reason (PEP 3333): %R", status);
        return -1;
    }
    wsgi_field reason = {s, s + 4, 0, (uint32_t)(size - 4)};
    if (wsgi_field_append(&head->fields, &head->size, &head->room, &reason) < 0)
        return -1;
    return code;
}

static int64_t parse_length(const uint8_t *s, Py_ssize_t size) {
    int64_t length = size > 0 && size <= 18 ? 0 : -1;
    for (Py_ssize_t i = 0; i < size && length >= 0; i++)
        length = s[i] >= '0' && s[i] <= '9' ? length * 10 + (s[i] - '0') : -1;
    return length;
}

int wsgi_field_parse(PyObject *field, wsgi_field *out) {
    if (!PyTuple_Check(field) || PyTuple_GET_SIZE(field) != 2) {
        PyErr_Format(PyExc_TypeError, "a response header must be a tuple (name, value): %R", field);
        return -1;
    }
    Py_ssize_t name_size, value_size;
    const uint8_t *name = bytes_of(PyTuple_GET_ITEM(field, 0), "a response header's name", &name_size);
    if (!name)
        return -1;
    const uint8_t *value = bytes_of(PyTuple_GET_ITEM(field, 1), "a response header's value", &value_size);
    if (!value)
        return -1;
    if (!is_token(name, name_size) || name_size > UINT16_MAX) {
        PyErr_Format(PyExc_ValueError, "not a name for a response header: %R", PyTuple_GET_ITEM(field, 0));
        return -1;
    }
    if (!is_text(value, value_size) || value_size > INT32_MAX) {
        PyErr_Format(PyExc_ValueError, "control characters in the value of response header %R",
                     PyTuple_GET_ITEM(field, 0));
        return -1;
    }
    *out = (wsgi_field){name, value, (uint16_t)name_size, (uint32_t)value_size};
    return 0;
}

int wsgi_field_append(uint8_t **data, size_t *size, size_t *room, const wsgi_field *field) {
    size_t more = sizeof field->name_size + sizeof field->value_size + field->name_size + field->value_size;
    if (*size + more > *room) {
        uint8_t *larger = realloc(*data, (*size + more) * 2);
        if (!larger) {
            PyErr_NoMemory();
            return -1;
        }
        *data = larger;
        *room = (*size + more) * 2;
    }
    uint8_t *out = *data + *size;
    memcpy(out, &field->name_size, sizeof field->name_size);
    memcpy(out + 2, &field->value_size, sizeof field->value_size);
    memcpy(out + 6, field->name, field->name_size);
    memcpy(out + 6 + field->name_size, field->value, field->value_size);
    *size += more;
    return 0;
}

/* Appends one header field. */
static int add_field(wsgi_head *head, PyObject *item) {
    wsgi_field field;
    if (wsgi_field_parse(item, &field) < 0)
        return -1;
    if (same_name(field.name, field.name_size, "content-length")) {
        int64_t length = parse_length(field.value, field.value_size);
        if (length < 0 || (head->content_length >= 0 && head->content_length != length)) {
            PyErr_Format(PyExc_ValueError, "not one length: Content-Length %R", PyTuple_GET_ITEM(item, 1));
            return -1;
        }
        head->content_length = length; /* Go writes the field */
        return 0;
    }
    if (wsgi_field_append(&head->fields, &head->size, &head->room, &field) < 0)
        return -1;
    head->count++;
    return 0;
}

/* Replaces status and headers. If they break a rule the head is as if
 * start_response had not been called. The head is nobody else's meanwhile: what
 * the application passed may run its own code when it is shown. */
int wsgi_head_set(wsgi_head *head, PyObject *status, PyObject *headers) {
    head->status = 0;
    head->content_length = -1;
    head->size = 0;
    head->count = 0;
    int code = parse_status(head, status);
    if (code < 0)
        return -1;
    if (!PyList_Check(headers)) {
        PyErr_Format(PyExc_TypeError, "the response headers must be a list, not %.100s", Py_TYPE(headers)->tp_name);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(headers); i++) {
        PyObject *field = Py_NewRef(PyList_GET_ITEM(headers, i));
        int failed = add_field(head, field);
        Py_DECREF(field);
        if (failed)
            return -1;
    }
    head->status = code;
    return 0;
}
