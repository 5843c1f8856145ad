package build

import (
	"bytes"
	"io"
	"os"
	"path"
	"strings"
)

// secretNames are files that are there for what they keep secret.
var secretNames = []string{
	".env", ".env.*", "*.env", ".netrc", ".pgpass", ".pypirc", ".htpasswd", ".git-credentials", ".dockercfg",
	"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx",
}

// examples are those that only show what to write.
var examples = []string{".example", ".sample", ".template", ".dist"}

// secretLook is how much of a file is looked at.
const secretLook = 1 << 20

// secret says why a file is one; empty: it is not.
func secret(name, from string) (string, error) {
	base := path.Base(name)
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

// hasPrivateKey looks for a line that begins one.
func hasPrivateKey(content []byte) bool {
	for rest := content; ; {
		at := bytes.Index(rest, []byte("-----BEGIN "))
		if at < 0 {
			return false
		}
		begins := at == 0 || rest[at-1] == '\n'
		rest = rest[at+len("-----BEGIN "):]
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		if begins && bytes.Contains(line, []byte("PRIVATE KEY")) && len(line) < 80 {
			return true
		}
	}
}
