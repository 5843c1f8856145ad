package gate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sys/unix"
)

const (
	largestFile = 16 << 20
	// mostCost is about two seconds of a processor for each password that is tried.
	mostCost = 15
)

// users are names and the hashes of their passwords.
type users map[string]string

// stamp tells one state of a file from another.
type stamp struct {
	changed time.Time
	size    int64
	inode   uint64
}

func stampOf(info os.FileInfo) stamp {
	s := stamp{changed: info.ModTime(), size: info.Size()}
	if stat, ok := info.Sys().(*unixStat); ok {
		s.inode = stat.Ino
	}
	return s
}

// readUsers reads a file of htpasswd's. cost is the highest of its hashes. The error
// is one sentence.
func readUsers(path string) (all users, cost int, seen stamp, err error) {
	// Without waiting: it may be a pipe.
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, seen, fmt.Errorf("--basic-auth: %s cannot be read: %w: let the workers' user read it, or make it with htpasswd -B -c", path, errors.Unwrap(err))
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > largestFile {
		return nil, 0, seen, fmt.Errorf("--basic-auth: %s is no file of at most 16 MiB: name another", path)
	}
	seen = stampOf(info)
	text, err := io.ReadAll(io.LimitReader(file, largestFile))
	if err != nil {
		return nil, 0, seen, fmt.Errorf("--basic-auth: %s cannot be read: %w: name another file", path, errors.Unwrap(err))
	}
	all, cost, err = parseUsers(path, text)
	return all, cost, seen, err
}

func parseUsers(path string, text []byte) (all users, cost int, err error) {
	all = users{}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line = bytes.TrimRight(line, "\r\n")
		if len(bytes.TrimSpace(line)) == 0 || line[0] == '#' {
			continue
		}
		wrong := func(what string) error { return fmt.Errorf("--basic-auth: line %d of %s %s", number, path, what) }
		name, hash, found := bytes.Cut(line, []byte{':'})
		if !found || len(name) == 0 || !utf8.Valid(name) || bytes.ContainsFunc(name, unicode.IsControl) {
			return nil, 0, wrong("is not NAME:HASH: make it with htpasswd -B")
		}
		hash, _, _ = bytes.Cut(hash, []byte{':'}) // what follows is a comment
		of, err := bcrypt.Cost(hash)
		switch {
		case err != nil || hash[0] != '$' || len(hash) != hashSize:
			return nil, 0, wrong("has no bcrypt hash: make it anew with htpasswd -B")
		case of > mostCost:
			return nil, 0, wrong(fmt.Sprintf("has a hash of cost %d, which would take a processor for seconds: make it anew with htpasswd -B -C %d at most", of, mostCost))
		case all[string(name)] != "":
			return nil, 0, wrong("has a name that stands there already: leave one of the two out")
		}
		all[string(name)] = string(hash)
		cost = max(cost, of)
	}
	if len(all) == 0 {
		return nil, 0, fmt.Errorf("--basic-auth: nobody is in %s: make it with htpasswd -B -c", path)
	}
	return all, cost, nil
}

const hashSize = 60

// nobodys is a hash of that cost that no password has.
func nobodys(cost int) string {
	return fmt.Sprintf("$2y$%02d$......................nobody.has.a.password.of.this..", cost)
}
