// Package statsd sends what is counted to a statsd server, under Gunicorn's names
// and with their meanings, so that dashboards made for Gunicorn go on:
//
//	gunicorn.requests                 counter, each request
//	gunicorn.request.status.200      counter, by status
//	gunicorn.request.duration         timer, ms
//	gunicorn.workers                  gauge
//	gunicorn.log.critical, .error, .warning, .exception   counters, records of the log
//
// Gunicorn sends a datagram for each request. Here the same figures that /metrics
// has are sent once a second: what has been added since. Durations come from the
// histogram, so a timer is sent for each of its buckets that has grown, with the
// middle of the bucket as its value and a sample rate that stands for so many
// requests. Sums are exact, percentiles as fine as the buckets.
package statsd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/internal/tally"
)

// Sender sends to one server, in a goroutine of its own: a socket that nobody reads
// keeps nobody waiting but that.
type Sender struct {
	socket *socket // the goroutine's
	prefix string
	tags   string
	news   chan news
	ended  chan struct{}
	before tally.Figures // the goroutine's
}

// news are what there is to send.
type news struct {
	figures tally.Figures
	workers int
}

// Config says where and how.
type Config struct {
	Address string // host:port, or unix:PATH
	Prefix  string // in front of all names
	Tags    string // DogStatsD's: a:b,c:d
	// Failed is told, from a goroutine, when the address leads nowhere: once, until
	// it has led somewhere again.
	Failed func(error)
}

// New returns a sender. What was counted by now is not sent.
func New(c Config, now tally.Figures) *Sender {
	s := &Sender{socket: newSocket(c.Address, c.Failed), before: now, news: make(chan news), ended: make(chan struct{})}
	if c.Prefix != "" {
		s.prefix = strings.TrimRight(c.Prefix, ".") + "."
	}
	if c.Tags != "" {
		s.tags = "|#" + c.Tags
	}
	go func() {
		defer close(s.ended)
		defer s.socket.close()
		s.socket.dial() // what is wrong with the address is said now, not when there is something to send
		for n := range s.news {
			s.send(n)
		}
	}()
	return s
}

// Close sends the last and ends the sender.
func (s *Sender) Close(last tally.Figures, workers int) {
	s.news <- news{last, workers}
	close(s.news)
	<-s.ended
}

// longest is what a datagram holds: more does not fit Ethernet's.
const longest = 1400

// Send has sent what has come to figures since the last time; nothing now if it is
// still busy with that. Nobody hears of it if there is no server: so it is with
// statsd.
func (s *Sender) Send(now tally.Figures, workers int) {
	select {
	case s.news <- news{now, workers}:
	default:
	}
}

func (s *Sender) send(n news) {
	var datagram []byte
	for _, line := range s.lines(&n.figures, n.workers) {
		if len(datagram)+len(line)+1 > longest && len(datagram) > 0 {
			s.socket.write(datagram)
			datagram = datagram[:0]
		}
		if len(datagram) > 0 {
			datagram = append(datagram, '\n')
		}
		datagram = append(datagram, line...)
	}
	s.socket.write(datagram)
	s.before = n.figures
}

func (s *Sender) lines(now *tally.Figures, workers int) []string {
	var lines []string
	line := func(name, value string) { lines = append(lines, s.prefix+"gunicorn."+name+":"+value+s.tags) }
	count := func(name string, n uint64) {
		if n > 0 {
			line(name, strconv.FormatUint(n, 10)+"|c")
		}
	}
	requests := uint64(0)
	for i := range now.Statuses {
		n := grown(now.Statuses[i], s.before.Statuses[i])
		requests += n
		if i > 0 {
			count("request.status."+strconv.Itoa(i+tally.FirstStatus-1), n)
		}
	}
	count("requests", requests)
	for i := range now.Total.Buckets {
		if n := grown(now.Total.Buckets[i], s.before.Total.Buckets[i]); n > 0 {
			line("request.duration", fmt.Sprintf("%g|ms|@%g", middle(i), 1/float64(n)))
		}
	}
	for i, level := range tally.Levels {
		count("log."+level, grown(now.Logged[i], s.before.Logged[i]))
	}
	line("workers", strconv.Itoa(workers)+"|g")
	return lines
}

// grown is how much has been added. The application can write to the memory, so
// it may be less than before.
func grown(now, before uint64) uint64 {
	if now < before {
		return 0
	}
	return now - before
}

// middle stands for all times in a bucket, in ms.
func middle(bucket int) float64 {
	last := len(tally.Bounds) - 1
	low, high := time.Duration(0), tally.Bounds[min(bucket, last)]
	if bucket > 0 {
		low = tally.Bounds[bucket-1]
	}
	return float64((low+max(low, high))/2) / float64(time.Millisecond)
}
