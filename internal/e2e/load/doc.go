// Package load keeps a server busy and says exactly what it lost. The
// black-box tests and make bench-reload use the same one.
//
// A client is a goroutine with one connection, over which it sends HTTP/1.1
// requests: the next one when the answer to the last is there, at once or after
// a pause. It connects anew when an answer said Connection: close, and no
// request is ever sent twice. (net/http's Transport is not used for that
// reason: it silently repeats a request if a kept connection ends before the
// answer, which is the loss that is looked for.)
//
// Some may share an HTTP/2 connection instead (Traffic.Streams): they go over to
// another when the server says that this one will end, and here as well no request is
// sent twice, also where HTTP/2 lets a client know that it may be.
//
// # What is a failure
//
// Anything but a complete, right answer: see [Kind]. Right is a 200 whose body
// repeats the request's id and the length and checksum of what the request
// carried (testapps/lossless.py), and nothing after it.
//
// # What is none
//
// A connection that the server has ended while it was idle, so that the client
// sees its end before it sends: the client connects anew, as every HTTP client
// does, and counts it (Window.Reopened). A test can ask for none of these.
//
// While the server stops ([Load.Stopping]), and only then, two ways to be
// turned away are no failure, and the end of the client: the connection is
// refused, or the server had closed it before the request came to it
// ([Raced]). Which it was is not guessed: Linux counts what the other side has
// acknowledged, and an end of file with no byte of the request acknowledged
// means that the server's kernel never had it. What had been acknowledged, and
// a connection that was established and then reset, is lost.
package load
