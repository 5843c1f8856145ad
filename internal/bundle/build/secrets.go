package build

import (
	"bytes"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// secretNames are files that are there for what they keep secret, and those of other
// tools' that often do, and that no Python serves with.
var secretNames = []string{
	".env", ".env.*", "*.env", ".envrc", ".netrc", ".pgpass", ".my.cnf", ".pypirc", ".npmrc", ".htpasswd", ".git-credentials", ".dockercfg",
	".vault-token", ".boto", ".s3cfg", ".*_history", "*.tfstate", "*.tfstate.*",
	"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk",
}

// secretFolders are those in which tools keep what they are let in with.
var secretFolders = []string{".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker"}

// examples are those that only show what to write.
var examples = []string{".example", ".sample", ".template", ".dist"}

// secretLook is how much of a file is looked at.
const secretLook = 1 << 20

// secret says why a file is one; empty: it is not.
func secret(name, from string) (string, error) {
	base := path.Base(name)
	for part := range strings.SplitSeq(path.Dir(name), "/") {
		if slices.Contains(secretFolders, part) {
			return "it is in " + part, nil
		}
	}
	for _, suffix := range examples {
		if strings.HasSuffix(base, suffix) {
			return "", nil
		}
	}
	if matches(secretNames, base) {
		return "by its name", nil
	}
	file, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, secretLook))
	if err != nil {
		return "", err
	}
	if hasPrivateKey(content) {
		return "it has a private key in it", nil
	}
	return "", nil
}

// hasPrivateKey looks for a line that begins one, or, in JSON, YAML and the like, for
// the beginning with a key behind it.
func hasPrivateKey(content []byte) bool {
	for rest := content; ; {
		at := bytes.Index(rest, []byte("-----BEGIN "))
		if at < 0 {
			return false
		}
		begins := at == 0 || rest[at-1] == '\n'
		rest = rest[at+len("-----BEGIN "):]
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		if begins && bytes.Contains(line, []byte("PRIVATE KEY")) && len(line) < 80 || quotedKey.Match(rest) {
			return true
		}
	}
}

// quotedKey is what is behind BEGIN where the ends of lines are spaces, or escaped.
var quotedKey = regexp.MustCompile(`^[A-Z ]{0,40}PRIVATE KEY( BLOCK)?-----(\s|\\+[nr])*[A-Za-z0-9+/]{16}`)
