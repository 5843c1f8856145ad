package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/gowsgi/gowsgi/internal/operator"
)

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1 // there is no such gowsgi, or it could not do it
	exitUsage  = 2
)

// command is one of them, with what was given to it.
type command struct {
	name, control, pid, of string
	json, watch, now       bool
	arguments              []string
	stdin, stdout          *os.File
}

// verb is what there is to know of a command.
type verb struct {
	arguments string // as its help shows them
	most      int
	help      string
	run       func(*command, context.Context, *operator.Client) error
}

func verbs() map[string]verb {
	return map[string]verb{
		"status":    {"[NAME]", 1, "Show what gowsgi, its workers and their requests do.", (*command).status},
		"stacks":    {"[WORKER|REQUEST]", 1, "Show where the Python threads are.", (*command).stacks},
		"reload":    {"", 0, "Load settings and application anew, and wait until that is done.", (*command).order},
		"stop":      {"", 0, "Stop, and wait until that is done; --now waits for no request.", (*command).order},
		"upgrade":   {"", 0, "Start the new program in its place, and wait until that serves.", (*command).order},
		"workers":   {"N|+N|-N", 1, "Have so many workers, or more or fewer, until the next reload.", (*command).order},
		"log-level": {"LEVEL", 1, "Log from this level on, until the next reload.", (*command).order},
		"recycle":   {"WORKER", 1, "Replace a worker by a new one, without losing a request.", (*command).order},
	}
}

// Is tells whether a command line is one of the commands here. An application of
// that name has to be called by its callable: status:application.
func Is(args []string) bool {
	if len(args) == 0 {
		return false
	}
	_, ok := verbs()[args[0]]
	return ok
}

// Run runs the command and returns the exit status.
func Run(ctx context.Context, args []string, stdin, stdout *os.File, stderr io.Writer) int {
	name := args[0]
	verb := verbs()[name]
	c := &command{name: name, stdin: stdin, stdout: stdout}
	set := c.flags()
	numbers, rest := c.takeNumbers(args[1:])
	err := set.Parse(rest)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintf(stdout, "gowsgi %s %s\n%s\n\n%s", name, verb.arguments, verb.help, set.FlagUsages())
		return exitOK
	}
	c.arguments = append(numbers, set.Args()...)
	switch {
	case err != nil:
	case len(c.arguments) > verb.most:
		err = fmt.Errorf("%q is too much", c.arguments[verb.most])
	case len(c.arguments) < verb.most && !strings.HasPrefix(verb.arguments, "["):
		err = errors.New("it wants " + verb.arguments)
	}
	if err != nil {
		fmt.Fprintf(stderr, "gowsgi %s: %v; gowsgi %s --help says how to write it\n", name, err, name)
		return exitUsage
	}
	if name == "status" && len(c.arguments) == 1 {
		c.of = c.arguments[0]
	}
	// Go would show all goroutines to who presses Ctrl-\.
	ctx, release := signal.NotifyContext(ctx, syscall.SIGQUIT)
	defer release()
	client, err := operator.Find(ctx, c.control, c.pid, c.of)
	if err == nil {
		err = verb.run(c, ctx, client)
	}
	// Who has read enough of it, such as head, needs no word for that, nor who has
	// broken it off.
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, context.Canceled) {
		return exitFailed
	}
	if err != nil {
		fmt.Fprintf(stderr, "gowsgi: %s%s\n", printable(err.Error()), c.hint(err))
		return exitFailed
	}
	return exitOK
}

// hint is for who meant an application.
func (c *command) hint(err error) string {
	var refusal operator.Refusal
	if errors.As(err, &refusal) {
		return ""
	}
	if _, err := os.Stat(c.name + ".py"); err == nil {
		return " (to serve the application in " + c.name + ".py: gowsgi " + c.name + ":application)"
	}
	return ""
}

func (c *command) flags() *pflag.FlagSet {
	set := pflag.NewFlagSet("gowsgi "+c.name, pflag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.SortFlags = false
	set.StringVar(&c.control, "control", "", "the gowsgi whose control socket is `unix:PATH`")
	set.StringVar(&c.pid, "pid", "", "the gowsgi whose pid `FILE` this is")
	set.StringVar(&c.of, "name", "", "the gowsgi of that `NAME`, application or process id")
	set.BoolVar(&c.json, "json", false, "print the answer as JSON")
	switch c.name {
	case "status":
		set.BoolVar(&c.watch, "watch", false, "go on showing it: q quits, s sorts, w picks a worker")
	case "stop":
		set.BoolVar(&c.now, "now", false, "wait for no request")
	}
	return set
}

// takeNumbers takes what may look like a flag, and is none, out of the arguments
// of workers: -1.
func (c *command) takeNumbers(args []string) (numbers, rest []string) {
	if c.name != operator.OrderWorkers {
		return nil, args
	}
	for i, arg := range args {
		_, err := strconv.Atoi(arg)
		if value := i > 0 && strings.HasPrefix(args[i-1], "--") && !strings.Contains(args[i-1], "=") && args[i-1] != "--json"; err == nil && !value {
			numbers = append(numbers, arg)
		} else {
			rest = append(rest, arg)
		}
	}
	return numbers, rest
}

// order has gowsgi do something and says how that ended.
func (c *command) order(ctx context.Context, client *operator.Client) error {
	query := url.Values{}
	switch argument := strings.Join(c.arguments, ""); c.name {
	case operator.OrderRecycle:
		query.Set("worker", argument)
	case operator.OrderLogLevel:
		query.Set("level", argument)
	case operator.OrderWorkers:
		if strings.HasPrefix(argument, "+") || strings.HasPrefix(argument, "-") {
			query.Set("more", strings.TrimPrefix(argument, "+"))
		} else {
			query.Set("count", argument)
		}
	case operator.OrderStop:
		if c.now {
			query.Set("now", "1")
		}
	}
	var outcome operator.Outcome
	if err := client.Ask(ctx, http.MethodPost, "/"+c.name, query, &outcome); err != nil {
		return err
	}
	if c.json {
		if err := c.print(outcome); err != nil {
			return err
		}
	}
	if !outcome.Done {
		return operator.Refusal(outcome.Message)
	}
	if !c.json {
		fmt.Fprintf(c.stdout, "%s (%.1f s)\n", printable(outcome.Message), outcome.Seconds)
	}
	return nil
}

func (c *command) print(value any) error {
	encoder := json.NewEncoder(c.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false) // people read it, too
	return encoder.Encode(value)
}

func (c *command) status(ctx context.Context, client *operator.Client) error {
	if c.watch {
		return c.keepWatching(ctx, client)
	}
	var state operator.State
	if err := client.Ask(ctx, http.MethodGet, "/status", nil, &state); err != nil {
		return err
	}
	if c.json {
		return c.print(state)
	}
	_, err := io.WriteString(c.stdout, table(state, view{width: width(c.stdout)}))
	return err
}

func (c *command) stacks(ctx context.Context, client *operator.Client) error {
	query := url.Values{}
	if len(c.arguments) == 1 {
		if _, err := strconv.Atoi(c.arguments[0]); err == nil {
			query.Set("worker", c.arguments[0])
		} else {
			query.Set("request", c.arguments[0])
		}
	}
	var stacks []operator.Stacks
	if err := client.Ask(ctx, http.MethodGet, "/stacks", query, &stacks); err != nil {
		return err
	}
	if c.json {
		return c.print(stacks)
	}
	_, err := io.WriteString(c.stdout, pictures(stacks))
	return err
}

// Command is what there is to tell of one of them.
type Command struct {
	Name, Arguments, Help string
	Options               []string // with their dashes
}

// Commands are all of them, by name.
func Commands() []Command {
	var all []Command
	for name, verb := range verbs() {
		about := Command{Name: name, Arguments: verb.arguments, Help: verb.help}
		(&command{name: name}).flags().VisitAll(func(flag *pflag.Flag) { about.Options = append(about.Options, "--"+flag.Name) })
		all = append(all, about)
	}
	slices.SortFunc(all, func(a, b Command) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Help lists the commands, for gowsgi --help.
func Help() string {
	var b strings.Builder
	for _, c := range Commands() {
		fmt.Fprintf(&b, "  gowsgi %s\n      %s\n", strings.TrimSpace(c.Name+" "+c.Arguments), c.Help)
	}
	return b.String()
}
