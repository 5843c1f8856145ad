//go:build !linux

package nursery

import "errors"

const cloexec = 0 // and no SOCK_SEQPACKET either

func adopt() error { return errors.ErrUnsupported }
