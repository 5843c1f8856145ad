// Command reloadclient is the clients of the black-box tests (internal/e2e/load)
// for bench/reload.py, which says on standard input what happens to the server:
//
//	window NAME   what ends from now on belongs to another window
//	stopping      the server will be told to stop: it may turn clients away
//	present       asks for the present window so far, for the processes that
//	              answered each client last, and for how many clients have
//	              waited for an answer for a second and longer
//	stop          asks for all windows, and ends
//
// It answers the last two with a line of JSON.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/internal/e2e/load"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// present is the answer to that word.
type present struct {
	load.Window
	Last    []int `json:"last"`
	Waiting int   `json:"waiting"`
}

// latencies are a window with those, in seconds.
type latencies struct {
	load.Window
	P50     float64 `json:"p50"`
	P99     float64 `json:"p99"`
	Longest float64 `json:"longest"`
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("reloadclient", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var traffic load.Traffic
	flags.IntVar(&traffic.Clients, "clients", 50, "how many")
	flags.DurationVar(&traffic.Think, "think", 0, "pause between an answer and the next request, on the average")
	flags.DurationVar(&traffic.Pause, "pause", 0, "how long the application takes")
	flags.DurationVar(&traffic.Patience, "patience", 0, "when a request that is not answered has failed")
	flags.IntVar(&traffic.Streams, "streams", 0, "how many share a connection of HTTP/2; 0: each has one of HTTP/1.1")
	network := flags.String("network", "tcp", "tcp or unix")
	if flags.Parse(args) != nil {
		return 2
	}
	if flags.NArg() != 1 {
		fmt.Fprintln(stderr, "usage: reloadclient [flags] ADDRESS")
		return 2
	}
	clients := load.Start(*network, flags.Arg(0), "steady", traffic)
	out := json.NewEncoder(stdout)
	for words := bufio.NewScanner(stdin); words.Scan(); {
		word, name, _ := strings.Cut(words.Text(), " ")
		var err error
		switch word {
		case "window":
			clients.Window(name)
		case "stopping":
			clients.Stopping()
		case "present":
			err = out.Encode(present{clients.Present(), clients.Workers(), clients.Waiting(time.Now().Add(-time.Second))})
		case "stop":
			var windows []latencies
			for _, w := range clients.Stop() {
				windows = append(windows, latencies{w, seconds(w, 0.5), seconds(w, 0.99), seconds(w, 1)})
			}
			if out.Encode(windows) != nil {
				return 1
			}
			return 0
		default:
			err = fmt.Errorf("no such word: %q", word)
		}
		if err != nil {
			fmt.Fprintln(stderr, "reloadclient:", err)
			return 1
		}
	}
	return 1 // whoever started it is gone
}

func seconds(w load.Window, quantile float64) float64 {
	return float64(w.Latency(quantile)) / float64(time.Second)
}
