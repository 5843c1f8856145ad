// Package operator is what people and programs ask a running gowsgi, and order
// it to do: HTTP with JSON on a unix socket (docs/status.md). The supervisor
// answers it; gowsgi status and its like are clients (package console).
//
// Whoever can connect to the socket may stop the service, so only its owner can:
// it is made with no permission for others, at no moment with more. Who else
// could harm or be harmed, and what is done:
//
//   - A client that hangs, in the middle of a request or of its answer, has a few
//     seconds and then its connection is closed. It holds a goroutine of the
//     supervisor, and nothing else: what the supervisor's loop is asked is asked
//     with the request whole, and answered before anything is written.
//   - A client that floods: mostClients connections are served, more are closed at
//     once. Heads have a limit, bodies are not read.
//   - A worker that does not answer (stopped, or its own memory is full) makes an
//     answer late by workerPatience and less complete. It is not asked again
//     before it has answered; what else it is told is kept for it, and waited for
//     by nobody (supervisor/talk.go).
//   - Something else where the socket should be (a file, a link, a folder, another
//     user's socket) is left alone, and there is no socket. Links are never
//     followed. The socket of a gowsgi that is dead is replaced, that of one that
//     lives is not, unless this one takes over from it (an upgrade).
//   - The folder for sockets under /tmp is used only if it is ours and nobody else
//     can write there.
//   - An upgrade while a client is connected: the old gowsgi answers its clients as
//     long as it lives. The new one puts its own socket in the place of the old
//     one's when it serves, in one step.
package operator
