package http1

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
)

// readChunks reads a chunked body in pieces of that size, each from memory that
// ends where it does. used: how many bytes of text it was.
func readChunks(t *testing.T, text string, piece int, limits *Limits) (body string, used int, done bool, err error) {
	t.Helper()
	c := &Chunks{}
	var whole strings.Builder
	for used < len(text) && !done {
		behind.hold(text[used:min(used+piece, len(text))], func(data []byte) {
			for len(data) > 0 && !done && err == nil {
				var part []byte
				var n int
				if part, n, done, err = c.Next(data, limits); err != nil {
					return
				}
				if n == 0 || len(part) > n {
					t.Fatalf("%q: nothing of %q is used, or %q is more than %d bytes", text, data, part, n)
				}
				whole.Write(part)
				data, used = data[n:], used+n
			}
		})
		if err != nil {
			return whole.String(), used, false, err
		}
	}
	return whole.String(), used, done, nil
}

func TestChunkedBodies(t *testing.T) {
	big := strings.Repeat("x", 100_000)
	for text, want := range map[string]string{
		"0\r\n\r\n":                                                "",
		"3\r\nabc\r\n0\r\n\r\n":                                    "abc",
		"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n":                         "abcde",
		"00000000000003\r\nabc\r\n000\r\n\r\n":                     "abc",
		"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n":          "01234567890123456789",
		"3;a\r\nabc\r\n0;b=c;d=\"e; f\"\r\n\r\n":                   "abc",
		"3;\xe9\t \r\nabc\r\n0\r\nA: b\r\nC:\t\xe9 \r\n\r\n":       "abc",
		"5\r\n0\r\n\r\n\r\n0\r\nContent-Lengthy: 1\r\nA:\r\n\r\n":  "0\r\n\r\n",
		"186a0\r\n" + big + "\r\n0\r\n\r\n":                        big,
		strings.Repeat("1\r\nx\r\n", 10_000) + "0\r\n\r\n":         big[:10_000],
		strings.Repeat("1;abcdefghi\r\nx\r\n", 3000) + "0\r\n\r\n": big[:3000],
	} {
		for _, piece := range []int{1, 2, 3, 7, 100, 4096, len(text) + 100} {
			const rest = "GET / HTTP/1.1\r\n"
			body, used, done, err := readChunks(t, text+rest, piece, &ordinary)
			if body != want || used != len(text) || !done || err != nil {
				t.Errorf("%.100q in pieces of %d: %.100q, %d of %d, %v, %v", text, piece, body, used, len(text), done, err)
			}
			body, used, done, err = readChunks(t, text[:len(text)-1], piece, &ordinary)
			if body != want || used != len(text)-1 || done || err != nil {
				t.Errorf("%.100q without its end: %.100q, %d, %v, %v", text, body, used, done, err)
			}
		}
	}
}

// A million chunks of a byte are a body, with as much in their lines as is free; what is
// more is refused long before their end, whatever of it comes at once.
func TestAMillionChunksOfAByte(t *testing.T) {
	const n = 1_000_000
	text := strings.Repeat("1\r\nx\r\n", n) + "0\r\n\r\n"
	body, used, done, err := readChunks(t, text, 4096, &ordinary)
	if len(body) != n || used != len(text) || !done || err != nil {
		t.Errorf("%d bytes of %d, %v, %v", len(body), used, done, err)
	}
	const line = "1;0123456789abcdef\r\nx\r\n"
	for _, piece := range []int{1, 4096, 1 << 20} {
		body, _, done, err = readChunks(t, strings.Repeat(line, n), piece, &ordinary)
		if status(err) != 400 || done || len(body) > 16<<10 {
			t.Errorf("in pieces of %d: %d bytes, %v, %v", piece, len(body), done, err)
		}
	}
}

func TestChunkedBodiesThatAreRefused(t *testing.T) {
	extension := strings.Repeat("x", 20<<10)
	for text, want := range map[string]int{
		"\r\n":                              400,
		"\n0\r\n\r\n":                       400,
		" 5\r\n":                            400,
		"5 \r\n":                            400,
		"5 ;a\r\n":                          400,
		"+5\r\n":                            400,
		"-5\r\n":                            400,
		"0x5\r\n":                           400,
		"5_0\r\n":                           400,
		";a\r\n":                            400,
		"g\r\n":                             400,
		"5\n":                               400,
		"5\r;":                              400,
		"5;a\n":                             400,
		"5;\n":                              400,
		"5;a\rb\r\n":                        400,
		"5;a=\"\r\n\"\r\nhello":             400,
		"5;\x00\r\n":                        400,
		"00000000000000005\r\n":             400,
		"8000000000000000\r\n":              400,
		"ffffffffffffffff\r\n":              400,
		"5\r\nhelloXX":                      400,
		"5\r\nhello\n0\r\n\r\n":             400,
		"5\r\nhello\r0":                     400,
		"5\r\nhello0\r\n\r\n":               400,
		"0\r\n\n":                           400,
		"0\r\n\rx":                          400,
		"0\r\nA: b\n\r\n":                   400,
		"0\r\nA: b\rc\r\n":                  400,
		"0\r\n A: b\r\n":                    400,
		"0\r\nA : b\r\n":                    400,
		"0\r\nA\r\n":                        400,
		"0\r\n: b\r\n":                      400,
		"0\r\nA: \x00\r\n":                  400,
		"0\r\nContent-Length: 1\r\n\r\n":    400,
		"0\r\nA: b\r\nHOST: x\r\n\r\n":      400,
		"0\r\ntransfer-encoding: x\r\n\r\n": 400,
		"5;" + extension + "\r\nhello":      400,
		"0\r\nA: " + extension + "\r\n\r\n": 431,
		"0\r\n" + strings.Repeat("A:b\r\n", 101) + "\r\n":                                   431,
		"0\r\n" + strings.Repeat("A: "+extension[:8000]+"\r\n", 9) + "\r\n":                 431,
		strings.Repeat("1;"+extension[:100]+"\r\nx\r\n", 1000) + "0\r\n\r\n":                400,
		strings.Repeat("10\r\n0123456789abcdef\r\n", 1000) + "5;" + extension + "\r\nhello": 400,
	} {
		for piece := 1; piece <= min(len(text), 4000)+1; piece = piece*2 + 1 {
			if _, _, done, err := readChunks(t, text+"rest", piece, &ordinary); done || status(err) != want || err.Error() == "" {
				t.Errorf("%.100q in pieces of %d: %v, %v, want %d", text, piece, done, err, want)
			}
		}
	}
}

// What is taken for a chunked body here, net/http takes for the same, with the
// same bytes behind it; but that trailers may be as long as net/http's buffer.
func FuzzChunks(f *testing.F) {
	f.Add("3;a=\"b\"\r\nabc\r\n0\r\nA: b\r\n\r\nrest", uint16(2))
	f.Add("0000A\r\n0123456789\r\n0\r\n\r\n", uint16(100))
	f.Fuzz(func(t *testing.T, text string, piece uint16) {
		body, used, done, err := readChunks(t, text, int(piece)+1, &ordinary)
		whole, wholeUsed, wholeDone, wholeErr := readChunks(t, text, len(text)+1, &ordinary)
		if done != wholeDone || status(err) != status(wholeErr) || done && (body != whole || used != wholeUsed) {
			t.Fatalf("%q in pieces of %d: %q, %d, %v; whole: %q, %d, %v", text, piece+1, body, used, err, whole, wholeUsed, wholeErr)
		}
		if !done {
			return
		}
		source := bufio.NewReaderSize(strings.NewReader("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"+text), 1<<20)
		r, err := http.ReadRequest(source)
		if err != nil {
			t.Fatal(err)
		}
		want, err := io.ReadAll(r.Body)
		rest, _ := io.ReadAll(source)
		if err != nil || string(want) != body || string(rest) != text[used:] {
			t.Errorf("%q: %q, %d bytes; net/http: %q, %v, %q behind it", text, body, used, want, err, rest)
		}
	})
}
