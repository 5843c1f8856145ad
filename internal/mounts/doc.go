// Package mounts says which of the applications a request is for: by its host and
// its path, as the settings have it.
//
// The longest path that fits gets the request; a path fits at the borders of its
// segments, in the spelling that the application sees: percent-decoded once, in its
// case, with // and dots as they came. Nobody here takes /api/../admin for /admin, so it
// is /api's, whose application gets what stands behind. Of two with the same path, the
// one that names the host exactly comes first, then the longer wildcard, then the one
// that is for all hosts. The lane has the same table, in C (Entries).
//
// A host is known if a mount names it, or if allowed_hosts does; without either, every
// host is. Its port does not count: a proxy in front may have another one.
package mounts
