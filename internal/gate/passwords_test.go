package gate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func hashOf(t testing.TB, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestPasswords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	write(t, path, "# people\n\nanna:"+hashOf(t, "secret")+"\r\nbjörn:"+strings.Replace(hashOf(t, "pass:word"), "$2a$", "$2y$", 1)+":a comment\nempty:"+hashOf(t, ""))
	var read, failed atomic.Int64
	p, err := OpenPasswords(path, func(n int, err error) {
		if err != nil {
			failed.Add(1)
		} else {
			read.Add(int64(n))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	check := func(user, password string, want Answer) {
		t.Helper()
		for range 2 { // the second time from memory
			if got := p.Try("192.0.2.1", user, password); got != want {
				t.Errorf("%s, %q: %v, want %v", user, password, got, want)
			}
		}
	}
	check("anna", "secret", Right)
	check("björn", "pass:word", Right)
	check("empty", "", Right)
	check("anna", "", Wrong)
	check("anna", "Secret", Wrong)
	check("anna", "secret\x00", Wrong)
	check("", "", Wrong)
	check("nobody", "secret", Wrong)
	check("Anna", "secret", Wrong)
	if len(p.proven) != 3 {
		t.Errorf("%d passwords are remembered", len(p.proven))
	}

	later := func() { p.looked.Store(0) }
	write(t, path, "anna:"+hashOf(t, "changed")+"\n")
	later()
	check("anna", "changed", Right)
	check("anna", "secret", Wrong)
	check("björn", "pass:word", Wrong)
	if len(p.proven) != 1 || read.Load() != 1 {
		t.Errorf("%d passwords are remembered, %d users were read anew", len(p.proven), read.Load())
	}
	for range 2 {
		write(t, path, "anna:"+hashOf(t, "other")+"\nbjörn") // half of it
		later()
		check("anna", "changed", Right)
	}
	_ = os.Remove(path)
	for range 3 {
		later()
		check("anna", "changed", Right)
	}
	if failed.Load() != 3 {
		t.Errorf("what went wrong three times was told %d times", failed.Load())
	}
	write(t, path, "anna:"+hashOf(t, "other")+"\n")
	later()
	check("anna", "other", Right)
}

func TestFilesThatAreNoPasswords(t *testing.T) {
	folder := t.TempDir()
	hash := hashOf(t, "x")
	for text, want := range map[string]string{
		"":                                       "nobody is in",
		"# a\n":                                  "nobody is in",
		"anna\n":                                 "line 1 of",
		":" + hash:                               "is not NAME:HASH",
		"a\x01b:" + hash:                         "is not NAME:HASH",
		"a\xff:" + hash:                          "is not NAME:HASH",
		"anna:secret":                            "has no bcrypt hash",
		"anna:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=": "has no bcrypt hash",
		"anna:$apr1$mg6gBOw/$T8PM8nTrHxP7BWnLuW4bz0": "has no bcrypt hash",
		"anna:" + hash[:59]:                          "has no bcrypt hash",
		"anna:" + hash + "x":                         "has no bcrypt hash",
		"\nanna:" + hash + "\nanna:" + hash:          "line 3 of",
		"anna:$2a$31$" + hash[7:]:                    "of cost 31",
		"anna:$3a$10$" + hash[7:]:                    "has no bcrypt hash",
	} {
		path := filepath.Join(folder, "users")
		write(t, path, text)
		if _, err := OpenPasswords(path, nil); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "--basic-auth: ") || strings.Contains(err.Error(), hash[10:]) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, path := range []string{folder, filepath.Join(folder, "no")} {
		if _, err := OpenPasswords(path, nil); err == nil {
			t.Errorf("%s: passwords", path)
		}
	}
}

func TestNobodysPasswordTakesAsLongAsOthers(t *testing.T) {
	for _, cost := range []int{bcrypt.MinCost, 5} {
		hash := []byte(nobodys(cost))
		if of, err := bcrypt.Cost(hash); err != nil || of != cost || len(hash) != hashSize {
			t.Errorf("cost %d, %v", of, err)
		}
		if err := bcrypt.CompareHashAndPassword(hash, []byte("x")); !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
			t.Errorf("it is not even tried: %v", err)
		}
	}
}

func TestGuessesDoNotTakeAllThereIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	write(t, path, "anna:"+hashOf(t, "secret")+"\n")
	p, err := OpenPasswords(path, func(int, error) {})
	if err != nil {
		t.Fatal(err)
	}
	if p.Try("192.0.2.1", "anna", "secret") != Right {
		t.Fatal("anna is not known")
	}
	for range cap(p.tries) { // all processors that there are for it
		p.tries <- struct{}{}
	}
	answers := make(chan Answer, 1000)
	var all sync.WaitGroup
	for i := range 1000 {
		all.Go(func() { answers <- p.Try(fmt.Sprint("192.0.2.", i%3), "anna", fmt.Sprint(i)) })
	}
	const waiting = 3 * mostOfOne
	for range 1000 - waiting {
		if got := <-answers; got != Busy {
			t.Fatalf("%v", got)
		}
	}
	if p.Try("192.0.2.1", "anna", "secret") != Right {
		t.Error("who is known has to wait")
	}
	other := make(chan Answer)
	go func() { other <- p.Try("198.51.100.1", "anna", "other") }()
	deadline := time.Now().Add(10 * time.Second)
	for queued := 0; queued != waiting+1 && time.Now().Before(deadline); {
		p.mu.Lock()
		queued = p.wait
		p.mu.Unlock()
	}
	for range 1000 { // all at once, as a browser does
		all.Go(func() {
			if got := p.Try("203.0.113.1", "anna", "another"); got != Wrong {
				t.Errorf("%v", got)
			}
		})
	}
	for range cap(p.tries) {
		<-p.tries
	}
	all.Wait()
	if got := <-other; got != Wrong {
		t.Errorf("another client: %v", got)
	}
	if p.wait != 0 || len(p.waits) != 0 || len(p.trials) != 0 {
		t.Errorf("%d still wait, %v", p.wait, p.waits)
	}
}
