// Package listen opens the sockets that workers accept on, and takes over those
// that somebody else has opened: a process that passes fd://N, systemd, or the
// gowsgi that this one replaces.
//
// # Holding without touching
//
// A Listener holds its socket's descriptor out of Go's poller, because the
// supervisor never accepts and would wake up for every connection, and it never
// changes whether the socket blocks. That mode belongs to the socket itself and
// not to the descriptor: workers make it non-blocking, and a supervisor that
// undid that, for instance the one that takes over from an older one, would
// leave some worker stuck in accept(2). os.NewFile puts whatever does not block
// into the poller. So the file is made of a descriptor of the null device, over
// which that of the socket is then copied; Go does not notice.
//
// # Whose is it
//
// What we opened is ours to end: Close shuts the socket down, also for
// processes that the application forked and that still hold a copy, and removes
// the file of a unix socket unless it has become another program's. What was
// passed as fd://N or by systemd is only borrowed: it outlives us, and whoever
// passed it keeps the connections that wait in its queue. Release gives up our
// descriptor and nothing else, for when another gowsgi goes on with the socket.
//
// # Reload and upgrade
//
// Listeners are told apart by what the settings call them (Bind), so an address
// that stays in the settings keeps its socket and with it the connections that
// wait, also on a port that gowsgi could not open any more. A new gowsgi gets
// all sockets from the old one as inherited files, and a description of them in
// one environment variable. Until the new one Keeps them it cannot end them: one
// that fails must not take the sockets from under the old one. systemd's sockets
// stay with it for its whole life and take the place of what the settings say.
//
// # Considered
//
// go-systemd's activation.Files reads systemd's variables; its Listeners would
// put the sockets into the poller. tableflip and overseer pass sockets at an
// upgrade too, but own the life of the process, which is the supervisor's here,
// and hold net.Listeners.
package listen
