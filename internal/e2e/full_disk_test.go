package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// upload sends the whole head, and some of the body.
func upload(t testing.TB, s Spooled, path, fields, body string) *Conn {
	t.Helper()
	c := Dial(t, s.Server)
	c.Send("POST " + path + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n")
	c.patience()
	_, _ = c.Write([]byte(body)) // the server may have hung up
	return c
}

// checkNoRoom sends a body for which there is no room.
func checkNoRoom(t testing.TB, s Spooled) {
	t.Helper()
	for _, frame := range framings {
		fields, wire := frame(numberedLines(spooledSize))
		c := upload(t, s, "/read", fields, wire)
		response := c.Response("POST")
		response.Want(t, 507, "507 Insufficient Storage\n")
		if response.Value("Connection") != "close" {
			t.Errorf("%+v", response)
		}
		c.Closed()
		Dial(t, s.Server).Get("/never").Want(t, 200, "did not read")
	}
	s.waitFiles(t, 0)
}

// The client for whom there is no room is told so, nobody else notices, and there is
// room again as soon as there is.
func TestFullDiskIsAnAnswerToItsClientAlone(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) Spooled{
		"a disk": func(t *testing.T) Spooled {
			return startSpooledIn(t, tinyDisk(t, 1_500_000), "spooled", modes[0], Options{}, "--request-buffer", "1000")
		},
		"a limit of the process": func(t *testing.T) Spooled { // ulimit -f: in blocks of 512
			return startSpooledIn(t, t.TempDir(), "spooled", modes[0], Options{Wrap: underLimit("-f 2900")}, "--request-buffer", "1000")
		},
		"spool_limit": func(t *testing.T) Spooled {
			return startSpooled(t, "spooled", modes[0], "--request-buffer", "1000", "--spool-limit", "1500000")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			small := numberedLines(900_000)
			first := upload(t, s, "/read", "Content-Length: 900000\r\n", small[:800_000])
			s.waitFiles(t, 1)
			Parallel(t, 10, func(t testing.TB, _ int) {
				c := upload(t, s, "/read", "Content-Length: 2500000\r\n", numberedLines(2_500_000))
				c.Response("POST").Want(t, 507, "507 Insufficient Storage\n")
				c.Closed()
			})
			first.Send(small[800_000:])
			first.Response("POST").Want(t, 200, fmt.Sprintf("900000 %s", told(small)))
			first.StaysOpen("/never")
			checkNoRoom(t, s)
			for range 3 {
				c := upload(t, s, "/read", "Content-Length: 900000\r\n", small)
				c.Response("POST").Want(t, 200, fmt.Sprintf("900000 %s", told(small)))
				s.waitFiles(t, 0)
			}
			record := s.WaitLog(t, "event=spool.full")
			if !strings.Contains(record, "dir="+s.tmp) || !strings.Contains(record, "worker_tmp_dir") {
				t.Error("the record does not say where, or what to do")
			}
			if n := strings.Count(s.Log(), "event=spool.full"); n > 6 { // once a second at most
				t.Errorf("%d records", n)
			}
		})
	}
}

// Who asks first is told before having sent anything.
func TestTooLargeForSpoolLimitIsSaidAtOnce(t *testing.T) {
	s := startSpooled(t, "spooled", modes[0], "--spool-limit", "2M")
	c := upload(t, s, "/read", "Content-Length: 3000000\r\nExpect: 100-continue\r\n", "")
	c.Response("POST").Want(t, 507, "507 Insufficient Storage\n")
	c.Closed()
}

// As without files.
func TestWithoutDescriptorsLargeBodiesStream(t *testing.T) {
	s := startSpooledIn(t, t.TempDir(), "spooled", modes[0], Options{Wrap: limited(150, 150)})
	body := numberedLines(spooledSize)
	var slow []*Conn
	for range 45 {
		slow = append(slow, upload(t, s, "/read", "Content-Length: 3000000\r\n", body[:1_500_000]))
	}
	s.WaitLog(t, "event=spool.failed")
	Eventually(t, "there are files", func() bool { return len(s.files(t)) > 20 })
	Parallel(t, len(slow), func(t testing.TB, i int) {
		c := slow[i]
		c.t = t
		c.Send(body[1_500_000:])
		if response := c.Response("POST"); !strings.HasSuffix(response.Body, " "+told(body)) {
			t.Errorf("%+v", response)
		}
	})
	s.waitFiles(t, 0)
}

func TestFolderForTemporaryFilesThatIsNoneIsNamed(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{gone, file} {
		for _, args := range [][]string{nil, {"--check-config"}} {
			result := Run(t, Options{Dir: Testapps()}, append(args, "-b", freeAddr(t), "--venv", PlainVenv(t), "--worker-tmp-dir", folder, "spooled")...)
			if result.Status != 1 || !strings.Contains(result.Errors, "worker_tmp_dir: ") || !strings.Contains(result.Errors, folder) {
				t.Errorf("%v: status %d: %s", args, result.Status, result.Errors)
			}
		}
	}
	t.Run("but for TMPDIR bodies stream", func(t *testing.T) {
		s := startContract(t, "spooled", Mode{Env: []string{"TMPDIR=" + gone}})
		body := numberedLines(spooledSize)
		c := upload(t, Spooled{s, gone}, "/read", "Content-Length: 3000000\r\n", body)
		c.Response("POST").Want(t, 200, fmt.Sprintf("%d %s", len(body), told(body)))
		s.WaitLog(t, "event=spool.none")
	})
	t.Run("Gunicorn's usual one is passed over", func(t *testing.T) {
		s := startContract(t, "spooled", Mode{Args: []string{"--worker-tmp-dir", "/dev/shm"}})
		s.WaitLog(t, "event=settings.note")
	})
	t.Run("one that goes and comes back", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "folder")
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		s := startSpooledIn(t, folder, "spooled", modes[0], Options{})
		_ = os.Remove(folder)
		body := numberedLines(spooledSize)
		want := fmt.Sprintf("%d %s", len(body), told(body))
		upload(t, s, "/read", "Content-Length: 3000000\r\n", body).Response("POST").Want(t, 200, want)
		s.WaitLog(t, "event=spool.failed")
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		c := upload(t, s, "/read", "Content-Length: 3000000\r\n", body[:2_000_000])
		s.waitFiles(t, 1)
		c.Send(body[2_000_000:])
		c.Response("POST").Want(t, 200, want)
	})
}
