// Package forwarded reads what proxies say of the requests that they pass on: in
// Forwarded (RFC 7239) and in the fields that were there before it, X-Forwarded-….
//
// Whoever sends a request can write these fields, so three questions are asked of
// each. Is the peer, the other end of the connection, one of the proxies that are
// believed (package proxies)? Is the field one that these proxies are known to set,
// and not to pass on from their clients as it came (Fields)? And of a list of
// addresses, which was the last that a proxy of ours has seen with its own eyes?
//
// The last is found from the right: each proxy adds the address of its own peer
// there, so what it has added is true if it is believed itself. The first address
// that is none of our proxies' is the client's, whatever stands to its left. Where
// all peers are believed (*), nobody knows which of the addresses are proxies', so
// the last alone counts: it is the one that a client cannot write.
//
//	reader.go     what is believed of a request
//	hops.go       addresses: of a list, the client's
//	element.go    Forwarded
//	scheme.go     which scheme the client used
//	place.go      host, port and prefix
//	strangers.go  peers that were not believed, for the log
//
// The lane reads the common ones of these fields in C (internal/lane/forwarded.c);
// internal/server/lane_test.go holds the two together.
package forwarded
