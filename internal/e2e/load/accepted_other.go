//go:build !linux

package load

import "net"

// accepted: only Linux tells what the other side has acknowledged. To assume
// that all was is the stricter way.
func accepted(net.Conn, int64, int64) bool { return true }

// ended: to find out by failing is the stricter way.
func ended(net.Conn) bool { return false }
