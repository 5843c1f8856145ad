//go:build linux

package lane

/*
#include <stdlib.h>
#include "lane.h"
*/
import "C"

import (
	"unsafe"

	"github.com/gowsgi/gowsgi/internal/forwarded"
)

// The numbers are the same; this does not compile otherwise.
var _ = [1]struct{}{}[C.GOWSGI_FORWARDED_FOR-forwarded.For|C.GOWSGI_FORWARDED_PROTO-forwarded.Proto|
	C.GOWSGI_FORWARDED_HOST-forwarded.Host|C.GOWSGI_FORWARDED_PORT-forwarded.Port|
	C.GOWSGI_FORWARDED_PREFIX-forwarded.Prefix|C.GOWSGI_FORWARDED-forwarded.Element]

// believe tells C what proxies are believed, for good.
func believe(c *C.gowsgi_lane_config, r *forwarded.Reader) {
	c.everybody, c.believed = C.bool(r.Peers().Everybody()), C.uint8_t(r.Fields())
	networks := r.Peers().Networks()
	if len(networks) == 0 {
		return
	}
	c.network_count = C.int(len(networks))
	c.networks = (*C.gowsgi_network)(C.malloc(C.size_t(len(networks)) * C.sizeof_gowsgi_network))
	// SAFETY: the memory has room for them.
	for i, to := range unsafe.Slice(c.networks, len(networks)) {
		network := networks[i]
		to.is4, to.bits = C.bool(network.Addr().Is4()), C.uint8_t(network.Bits())
		for at, b := range network.Addr().AsSlice() {
			to.address[at] = C.uint8_t(b)
		}
		unsafe.Slice(c.networks, len(networks))[i] = to
	}
}
