package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/operator"
	"github.com/gowsgi/gowsgi/internal/scoreboard"
)

// view is how a state is shown.
type view struct {
	width    int  // of lines; 0: any
	height   int  // lines; 0: any number
	youngest bool // requests: the youngest first
	worker   int  // requests of this one only; 0: of all
}

// row is a line of a table. The last column is not padded.
type row []string

// table shows what a gowsgi does.
func table(s operator.State, v view) string {
	var b strings.Builder
	for _, line := range head(s) {
		b.WriteString(cut(line, v.width) + "\n")
	}
	b.WriteString("\n")
	rows := []row{{"WORKER", "PID", "STATE", "AGE", "REQUESTS", "RSS", "PSS", "BUSY", "LIMIT", "QUEUE", "GIL", "CONNS", "GOROUTINES", "RESTARTS"}}
	for _, w := range s.Workers {
		rows = append(rows, workerRow(w))
	}
	rows = fit(rows, v.width, 0, "GOROUTINES", "PSS", "LIMIT", "RESTARTS", "GIL", "CONNS", "RSS", "REQUESTS", "AGE")
	b.WriteString(align(rows, v.width))
	for _, w := range s.Workers {
		for _, note := range notes(w) {
			b.WriteString(cut(fmt.Sprintf("worker %d: %s", w.Number, note), v.width) + "\n")
		}
	}
	rows = requestRows(s, v)
	if len(rows) == 0 {
		b.WriteString("\nno requests run\n")
	} else {
		header := row{"REQUEST", "WORKER", "AGE", "STAGE", "THREAD", "CLIENT", "WHAT"}
		rows = fit(append([]row{header}, rows...), v.width, enoughOfWhat, "THREAD", "CLIENT", "WORKER", "STAGE")
		b.WriteString("\n" + align(rows, v.width))
	}
	text := b.String()
	if lines := strings.SplitAfter(text, "\n"); v.height > 0 && len(lines) > v.height {
		text = strings.Join(lines[:v.height-1], "") + "…"
	}
	return text
}

// head says what it is that is shown.
func head(s operator.State) []string {
	where := strings.Join(s.Listening, ", ")
	first := fmt.Sprintf("%s: %s for %s on %s", printable(s.Name), s.Phase, age(time.Since(s.Started).Seconds()), printable(where))
	second := fmt.Sprintf("process %d, gowsgi %s, Python %s, deployment %d", s.PID, printable(s.Version), printable(s.Python), s.Deployment)
	if s.Mount != "" {
		second += ", mounted at " + printable(s.Mount)
	}
	lines := []string{first, second}
	for _, m := range s.Mounts {
		line := printable(m.Name + ": " + m.Target)
		if m.Threads > 0 {
			line += fmt.Sprintf(", threads at most %d", m.Threads)
		}
		lines = append(lines, line)
	}
	if last := s.Reloads.Last; last != nil {
		line := fmt.Sprintf("reloads: %d done, %d failed; the last %s ago, in %.1f s", s.Reloads.Done, s.Reloads.Failed,
			age(time.Since(last.Ended).Seconds()), last.Seconds)
		if last.Reason != "" {
			line += ", failed: " + printable(last.Reason)
		}
		lines = append(lines, line)
	}
	if line := certificatesLine(s.Certificates, time.Now()); line != "" {
		lines = append(lines, line)
	}
	for _, n := range s.Nurseries {
		lines = append(lines, nurseryLine(n))
	}
	return lines
}

// certificatesLine says which certificate expires first; empty: there is none.
func certificatesLine(all map[string]time.Time, now time.Time) string {
	first := ""
	for name, until := range all {
		if first == "" || until.Before(all[first]) || until.Equal(all[first]) && name < first {
			first = name
		}
	}
	if first == "" {
		return ""
	}
	does := "expires on " + all[first].UTC().Format(time.DateOnly)
	if now.After(all[first]) {
		does = "has expired"
	}
	if len(all) > 1 {
		return fmt.Sprintf("certificates: %d names; the first that expires, %s, %s", len(all), printable(first), does)
	}
	return fmt.Sprintf("certificate: %s %s", printable(first), does)
}

func nurseryLine(n operator.Nursery) string {
	does := fmt.Sprintf("has loaded the application in %s, %s ago; workers forked from it: %d", seconds(n.Loading), age(n.Age-n.Loading), n.Forked)
	switch {
	case n.Phase == operator.Starting:
		does = fmt.Sprintf("has been loading the application for %s (gowsgi stacks says where it is)", age(n.Age))
	case n.Phase == operator.Draining:
		does = "ends"
	case n.Ordered > 0:
		does += fmt.Sprintf("; %d ordered, for %s", n.Ordered, seconds(n.Waiting))
	}
	return fmt.Sprintf("nursery %d %s; RSS %s, PSS %s", n.PID, does, size(n.RSS), size(n.PSS))
}

func workerRow(w operator.Worker) row {
	gil := seconds(w.GILWait)
	if w.GILHeld >= 1 {
		gil = "held " + seconds(w.GILHeld)
	}
	return row{
		strconv.Itoa(w.Number), strconv.Itoa(w.PID), w.Phase, age(w.Age), strconv.FormatInt(w.Requests, 10), size(w.RSS), size(w.PSS),
		fmt.Sprintf("%d/%d", w.Busy, w.Threads), strconv.FormatInt(w.Limit, 10), strconv.FormatInt(w.Queued, 10), gil,
		fmt.Sprintf("%d/%d", w.Connections.Open-w.Connections.Idle, w.Connections.Open), strconv.FormatInt(w.Goroutines, 10),
		strconv.Itoa(w.Restarts),
	}
}

// notes are what does not fit a table.
func notes(w operator.Worker) []string {
	var notes []string
	if w.Replacing != "" {
		notes = append(notes, "is to be replaced: "+printable(w.Replacing))
	}
	if w.Cause != "" && w.Phase != operator.Draining {
		notes = append(notes, "the one before it ended: "+printable(w.Cause))
	}
	if !w.Answers && w.Phase != operator.Starting {
		notes = append(notes, "does not answer (is it stopped?): its figures and requests are what it noted last")
	}
	return notes
}

func requestRows(s operator.State, v view) []row {
	type running struct {
		worker int
		control.Request
	}
	var all []running
	for _, w := range s.Workers {
		if v.worker == 0 || v.worker == w.Number {
			for _, r := range w.Running {
				all = append(all, running{w.Number, r})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b running) int {
		older := a.Age > b.Age
		switch {
		case a.Age == b.Age:
			return 0
		case older != v.youngest:
			return -1
		}
		return 1
	})
	var rows []row
	for _, r := range all {
		rows = append(rows, row{
			printable(r.ID), strconv.Itoa(r.worker), age(r.Age), r.Stage, printable(r.Thread), printable(r.Client),
			narrow(printable(r.Method + " " + r.Target)),
		})
	}
	return rows
}

// align makes lines of rows. Columns that are empty everywhere are left out.
func align(rows []row, width int) string {
	widths := make([]int, len(rows[0]))
	for i, r := range rows {
		for j, text := range r {
			if i > 0 && text != "" {
				widths[j] = max(widths[j], utf8.RuneCountInString(text), utf8.RuneCountInString(rows[0][j]))
			}
		}
	}
	var b strings.Builder
	for _, r := range rows {
		var columns []string
		for j, text := range r {
			switch {
			case widths[j] == 0 && len(rows) > 1:
			case j == len(r)-1:
				columns = append(columns, text)
			default:
				columns = append(columns, text+strings.Repeat(" ", max(0, widths[j]-utf8.RuneCountInString(text))))
			}
		}
		b.WriteString(cut(strings.TrimRight(strings.Join(columns, "  "), " "), width) + "\n")
	}
	return b.String()
}

// enoughOfWhat is how much of a request's target there should be.
const enoughOfWhat = 32

// fit leaves out columns, in the order in which they are missed least, until the
// rows fit. Of the last column so much is enough, if that is not 0.
func fit(rows []row, width, enough int, least ...string) []row {
	for _, name := range least {
		column := slices.Index(rows[0], name)
		if width == 0 || column < 0 || longest(rows, enough) <= width {
			break
		}
		var narrower []row
		for _, r := range rows {
			narrower = append(narrower, slices.Delete(slices.Clone(r), column, column+1))
		}
		rows = narrower
	}
	return rows
}

// longest is how long the longest line of rows is, with so much of the last
// column.
func longest(rows []row, enough int) int {
	var short []row
	for _, r := range rows {
		r = slices.Clone(r)
		r[len(r)-1] = cut(r[len(r)-1], enough)
		short = append(short, r)
	}
	most := 0
	for line := range strings.Lines(align(short, 0)) {
		most = max(most, utf8.RuneCountInString(line)-1)
	}
	return most
}

// narrow spells out, as URLs do, what came from a client and may be wider or
// narrower on a terminal than one column for each character.
func narrow(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c < utf8.RuneSelf {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// cut makes a line fit.
func cut(line string, width int) string {
	if runes := []rune(line); width > 0 && len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return line
}

// age is a time in the largest unit that fits, and its next smaller part.
func age(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	}
}

func seconds(s float64) string {
	switch {
	case s == 0:
		return "0"
	case s < 0.001:
		return fmt.Sprintf("%.0fµs", s*1e6)
	case s < 1:
		return fmt.Sprintf("%.1fms", s*1e3)
	default:
		return fmt.Sprintf("%.1fs", s)
	}
}

func size(bytes int64) string {
	switch {
	case bytes == 0:
		return "?"
	case bytes < 10<<30:
		return fmt.Sprintf("%dM", bytes>>20)
	default:
		return fmt.Sprintf("%.1fG", float64(bytes)/(1<<30))
	}
}

// printable is text that cannot do anything to a terminal.
func printable(text string) string { return scoreboard.Printable(text) }

// pictures shows stacks.
func pictures(all []operator.Stacks) string {
	var b strings.Builder
	for _, stacks := range all {
		if stacks.Worker == 0 {
			fmt.Fprintf(&b, "nursery, process %d: it loads the application for all workers\n", stacks.PID)
		} else {
			fmt.Fprintf(&b, "worker %d, process %d\n", stacks.Worker, stacks.PID)
		}
		if stacks.Worker == 0 && len(stacks.Threads) == 0 && !stacks.Silent {
			b.WriteString("  CPython is just being started\n")
		}
		if stacks.Silent {
			b.WriteString("  does not answer: is it stopped, or just being started?\n")
		}
		if stacks.WithoutGIL {
			b.WriteString("  some thread keeps the GIL: these were taken without it, without source lines, and may not be exact\n")
		}
		idle := 0
		for _, t := range stacks.Threads {
			if t.Stack == "" && t.Request == nil {
				idle++
				continue
			}
			b.WriteString("\nThread " + printable(t.Name))
			if r := t.Request; r != nil {
				fmt.Fprintf(&b, ", request %s: %s, for %s", printable(r.ID), printable(r.Method+" "+r.Target), age(r.Age))
			}
			b.WriteString("\n")
			for line := range strings.Lines(t.Stack) {
				b.WriteString(printable(strings.TrimSuffix(line, "\n")) + "\n")
			}
		}
		if idle > 0 {
			fmt.Fprintf(&b, "\n%d threads wait for work\n", idle)
		}
	}
	return b.String()
}
