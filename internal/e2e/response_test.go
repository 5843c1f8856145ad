package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// RawResponse is one response as it stood on the wire.
type RawResponse struct {
	Proto  string // HTTP/1.1
	Status int
	Reason string
	Fields []Field  // in order, names as sent
	Chunks []string // the body's chunks, if it was sent in chunks
	Body   string
	// UntilClose: nothing but the end of the connection delimited the body.
	UntilClose bool
}

// Field is one header field.
type Field struct{ Name, Value string }

// Values are the values of all fields of that name, case ignored.
func (r RawResponse) Values(name string) []string {
	var values []string
	for _, field := range r.Fields {
		if strings.EqualFold(field.Name, name) {
			values = append(values, field.Value)
		}
	}
	return values
}

// Value is the value of the only field of that name; "" if there is none.
func (r RawResponse) Value(name string) string { return strings.Join(r.Values(name), ", ") }

var (
	statusLine = regexp.MustCompile(`^(HTTP/1\.[01]) ([1-5][0-9][0-9]) ([\t -~\x{80}-\x{ff}]*)$`)
	fieldLine  = regexp.MustCompile(`^([^\x00-\x20"(),/:;<=>?@\[\\\]{}\x7f-\x{ff}]+):[ \t]*(?:|[!-~\x{80}-\x{ff}]|[!-~\x{80}-\x{ff}][\t -~\x{80}-\x{ff}]*[!-~\x{80}-\x{ff}])[ \t]*$`)
	chunkLine  = regexp.MustCompile(`^([0-9A-Fa-f]+)(?:;.*)?$`)
)

// readResponse reads by RFC 9112; what was read comes back with an error, too.
func readResponse(r *bufio.Reader, method string) (response RawResponse, err error) {
	line, err := readLine(r)
	if err != nil {
		return response, fmt.Errorf("status line: %w", err)
	}
	status := statusLine.FindStringSubmatch(latin1(line))
	if status == nil {
		return response, fmt.Errorf("not a status line: %q", line)
	}
	response.Proto, response.Reason = status[1], status[3]
	response.Status, _ = strconv.Atoi(status[2]) // three digits
	if response.Fields, err = readFields(r); err != nil {
		return response, err
	}
	lengths, codings := response.Values("Content-Length"), response.Values("Transfer-Encoding")
	switch {
	case len(lengths) > 1, len(codings) > 1, len(lengths) > 0 && len(codings) > 0:
		return response, fmt.Errorf("ambiguous framing: Content-Length %q, Transfer-Encoding %q", lengths, codings)
	case len(codings) > 0 && (codings[0] != "chunked" || response.Proto == "HTTP/1.0"):
		return response, fmt.Errorf("%s with Transfer-Encoding %q", response.Proto, codings)
	case response.Status < 200 || response.Status == 204: // RFC 9112, 6.1 and RFC 9110, 8.6
		if len(lengths)+len(codings) > 0 {
			return response, fmt.Errorf("%d with Content-Length %q, Transfer-Encoding %q", response.Status, lengths, codings)
		}
		return response, nil
	case method == "HEAD" || response.Status == 304:
		return response, nil
	case len(codings) > 0:
		err = response.readChunks(r)
	case len(lengths) > 0:
		err = response.readBody(r, lengths[0])
	default:
		response.UntilClose = true
		response.Body, err = read(r, -1)
	}
	return response, err
}

func (r *RawResponse) readBody(from *bufio.Reader, length string) error {
	n, err := strconv.ParseUint(length, 10, 62)
	if err != nil {
		return fmt.Errorf("Content-Length %q", length)
	}
	r.Body, err = read(from, int64(n))
	return err
}

func (r *RawResponse) readChunks(from *bufio.Reader) error {
	defer func() { r.Body = strings.Join(r.Chunks, "") }() // once: there may be thousands
	for {
		line, err := readLine(from)
		if err != nil {
			return fmt.Errorf("chunk size: %w", err)
		}
		match := chunkLine.FindStringSubmatch(line)
		if match == nil {
			return fmt.Errorf("not a chunk size: %q", line)
		}
		size, err := strconv.ParseInt(match[1], 16, 63)
		if err != nil {
			return fmt.Errorf("chunk size: %w", err)
		}
		if size == 0 {
			_, err := readFields(from) // trailers
			return err
		}
		chunk, err := read(from, size)
		r.Chunks = append(r.Chunks, chunk)
		if err != nil {
			return err
		}
		if line, err := readLine(from); err != nil || line != "" {
			return fmt.Errorf("after a chunk: %q, %w", line, err)
		}
	}
}

// read reads n bytes, or all with a negative n.
func read(from io.Reader, n int64) (string, error) {
	if n >= 0 {
		from = io.LimitReader(from, n)
	}
	body, err := io.ReadAll(from)
	if err == nil && n >= 0 && int64(len(body)) < n {
		err = fmt.Errorf("body of %d bytes ends after %d: %w", n, len(body), io.ErrUnexpectedEOF)
	}
	return string(body), err
}

func readFields(r *bufio.Reader) (fields []Field, err error) {
	for {
		line, err := readLine(r)
		if err != nil {
			return fields, fmt.Errorf("header: %w", err)
		}
		if line == "" {
			return fields, nil
		}
		if !fieldLine.MatchString(latin1(line)) {
			return fields, fmt.Errorf("not a header field: %q", line)
		}
		name, value, _ := strings.Cut(line, ":")
		fields = append(fields, Field{textproto.TrimString(name), textproto.TrimString(value)})
	}
}

// latin1 turns each byte into the character of that number, so that a regular
// expression can match bytes.
func latin1(line string) string {
	runes := make([]rune, len(line))
	for i := range len(line) {
		runes[i] = rune(line[i])
	}
	return string(runes)
}

// readLine reads up to CR LF; a bare LF is not the end of a line in a response.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		if err == io.EOF && line != "" {
			err = io.ErrUnexpectedEOF
		}
		return line, err
	}
	text, ok := strings.CutSuffix(line, "\r\n")
	if !ok {
		return line, fmt.Errorf("line ends without CR: %q", line)
	}
	return text, nil
}

// The raw client is what other tests rely on to see a server's mistakes.
func TestRawClientReadsStrictly(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for name, text := range map[string]string{
		"line without CR":               "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
		"no status":                     "HTTP/1.1 OK\r\n\r\n",
		"space before the colon":        ok + "Content-Length : 0\r\n\r\n",
		"folded field":                  ok + "X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
		"control character in a value":  ok + "X: a\x01b\r\nContent-Length: 0\r\n\r\n",
		"two lengths":                   ok + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
		"length and chunks":             ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"signed length":                 ok + "Content-Length: +1\r\n\r\na",
		"body shorter than its length":  ok + "Content-Length: 2\r\n\r\na",
		"chunk shorter than its size":   ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nabc\r\n",
		"no last chunk":                 ok + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
		"chunks for HTTP/1.0":           "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"length on a 204":               "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
		"headers that end with a close": ok + "X: a\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			if response, err := readResponse(bufio.NewReader(strings.NewReader(text)), "GET"); err == nil {
				t.Errorf("accepted: %+v", response)
			}
		})
	}
	t.Run("what is right passes", func(t *testing.T) {
		r := bufio.NewReader(strings.NewReader(
			"HTTP/1.1 100 Continue\r\n\r\n" +
				ok + "Set-Cookie: a=1\r\nset-cookie: b=2\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: v\r\n\r\n" +
				"HTTP/1.1 404 Not Found \xe9\r\nContent-Length: 4\r\n\r\ngone" +
				ok + "\r\nto the end"))
		for _, want := range []RawResponse{
			{Status: 100},
			{Status: 200, Body: "abc0123456789"},
			{Status: 404, Body: "gone"},
			{Status: 200, Body: "to the end", UntilClose: true},
		} {
			got, err := readResponse(r, "GET")
			if err != nil || got.Status != want.Status || got.Body != want.Body || got.UntilClose != want.UntilClose {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		}
	})
}
