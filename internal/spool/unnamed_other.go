//go:build !linux

package spool

import "golang.org/x/sys/unix"

// openUnnamed is Linux's alone.
func openUnnamed(string) (int, error) { return -1, unix.EOPNOTSUPP }

func lacksUnnamed(error) bool { return true }
