package e2e

import (
	"crypto/sha256"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The applications once more, as far as they keep to the contract, with the
// standard library's validator between them and the server.
func TestContractUnderTheValidator(t *testing.T) {
	for module, check := range map[string]func(t *testing.T, s Contract, mode Mode){
		"environ_dump": func(t *testing.T, s Contract, mode Mode) {
			checkWholeEnviron(t, s.Server, mode)
			checkPaths(t, s.Server)
			checkFields(t, s.Server)
			Parallel(t, 50, func(t testing.TB, i int) { checkOwnEnviron(t, s.Client(t), i) })
		},
		"input_steps":     checkStepsUnderTheValidator,
		"response_bodies": checkBodiesUnderTheValidator,
		"start_response_calls": func(t *testing.T, s Contract, _ Mode) {
			for path, body := range map[string]string{
				"/late": "late", "/late-write": "late write", "/replaced": "replaced", "/replaced-empty": "replaced",
				"/write": "one two three four", "/write-only": "only", "/none": "none", "/too-late-caught": "a block, the same",
			} {
				if response := Dial(t, s.Server).Get(path); response.Body != body {
					t.Errorf("%s: %+v", path, response)
				}
			}
		},
		"closing": func(t *testing.T, s Contract, _ Mode) {
			for _, kind := range closingKinds {
				for _, query := range []string{"", "&blocks=0", "&size=200000", "&write=first", "&length=15"} {
					key := s.Key()
					Dial(t, s.Server).Get("/?kind=" + kind + "&id=" + key + query)
					Eventually(t, "closed", func() bool { return slices.Contains(s.Notes(t, key), "closed") })
				}
			}
			keys := checkCloseWithoutClient(t, s)
			for _, key := range keys {
				if notes := s.Notes(t, key); notes[len(notes)-1] != "closed" || slices.Index(notes, "closed") != len(notes)-1 {
					t.Errorf("%s: %q", key, notes)
				}
			}
		},
		"large_bodies": func(t *testing.T, s Contract, _ Mode) {
			const size = 20 << 20
			c := s.Client(t)
			c.Do(c.Request("POST", "/hash", io.LimitReader(new(repeated), size))).Want(t, 200, fmt.Sprintf("%d %s", size, repeatedHash(size)))
			for _, path := range []string{"/list", "/generator"} {
				response := c.Get(fmt.Sprintf("%s?size=%d", path, size))
				if fmt.Sprintf("%x", sha256.Sum256([]byte(response.Body))) != repeatedHash(size) {
					t.Errorf("%s: %d bytes", path, len(response.Body))
				}
			}
		},
		"pool_threads": func(t *testing.T, s Contract, _ Mode) {
			Parallel(t, 50, func(t testing.TB, _ int) {
				c := Dial(t, s.Server)
				for range 10 {
					c.StaysOpen("/hello")
				}
			})
		},
	} {
		t.Run(module, func(t *testing.T) {
			s := startContractTarget(t, `validated:around("`+module+`:application")`, Options{Args: []string{"--request-buffer", "1000", "--request-spool", "0"}})
			check(t, s, modes[0])
			s.Stop(t)
			// The validator complains by AssertionError, by warning, and from a destructor.
			for _, complaint := range []string{"AssertionError", "WSGIWarning", "garbage collected", "event=application.raised"} {
				if strings.Contains(s.Log(), complaint) {
					t.Errorf("the log has %q", complaint)
				}
			}
		})
	}
}

// The validator wants an argument for read() and offers no seek().
func checkStepsUnderTheValidator(t *testing.T, s Contract, _ Mode) {
	for _, size := range []int{0, 10, 999, 1000, 1001, 100_000} {
		for _, frame := range framings {
			fields, wire := frame(bodyOf(size))
			for _, do := range []string{"read:-1", "read:5,read:0,read:100000,read:1", "readline,readline:3,readline,read:-1", "readlines", "readlines:20,read:-1", "list,read:5"} {
				answer := postSteps(t, Dial(t, s.Server), fmt.Sprintf("/?do=%s&size=%d", do, size), fields, wire)
				if !reflect.DeepEqual(answer.Got, answer.Want) {
					t.Errorf("%s with %d bytes: %v, want %v", do, size, answer.Got, answer.Want)
				}
			}
		}
	}
}

func checkBodiesUnderTheValidator(t *testing.T, s Contract, _ Mode) {
	for path, body := range map[string]string{
		"/list": "one two three", "/tuple": "one two", "/empty": "", "/one": "one", "/declared": "declared", "/generator": "generator",
		"/iterator": "iterator", "/getitem": "getitem", "/empty-blocks": "ab", "/empty-generator": "",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			c := Dial(t, s.Server)
			c.Send(method + " " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
			want := body
			if method == "HEAD" {
				want = ""
			}
			c.Response(method).Want(t, 200, want)
		}
	}
	checkManyBlocks(t, s)
	for _, path := range []string{"/lockstep", "/lockstep-write"} {
		checkLockstep(t, s, path, "HTTP/1.1")
		checkLockstep(t, s, path, "HTTP/1.0")
	}
	for path, status := range map[string]int{"/no-content": 204, "/not-modified": 304} {
		if response := Dial(t, s.Server).Get(path); response.Status != status {
			t.Errorf("%+v", response)
		}
	}
}
