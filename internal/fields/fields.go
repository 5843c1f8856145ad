// Package fields changes the header fields of responses as the settings want.
package fields

import (
	"slices"
	"strings"
)

// Edits are what is changed. A nil *Edits changes nothing.
type Edits struct {
	added   [][2]string
	removed []string
}

// New makes Edits: fields that a response gets if it has none of that name, and names
// of those that it loses before. nil for none of either.
func New(added [][2]string, removed []string) *Edits {
	if len(added)+len(removed) == 0 {
		return nil
	}
	return &Edits{added, removed}
}

// All are the fields that are added, and the names of those that are removed.
func (e *Edits) All() (added [][2]string, removed []string) {
	if e == nil {
		return nil, nil
	}
	return e.added, e.removed
}

// Apply changes the fields of a response, in their memory.
func (e *Edits) Apply(fields [][2]string) [][2]string {
	if e == nil {
		return fields
	}
	fields = slices.DeleteFunc(fields, func(field [2]string) bool {
		return slices.ContainsFunc(e.removed, func(name string) bool { return strings.EqualFold(name, field[0]) })
	})
	own := fields // without those that are added
	for _, field := range e.added {
		if !slices.ContainsFunc(own, func(other [2]string) bool { return strings.EqualFold(other[0], field[0]) }) {
			fields = append(fields, field)
		}
	}
	return fields
}
