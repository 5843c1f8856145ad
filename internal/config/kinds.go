package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kind is the type of a setting: how its value is read and written, and which
// values it may have. Errors are for the user, and start where "name: " ends;
// several are joined.
type kind interface {
	// parse sets the field from text: the environment's value, or all that
	// the command line gives, in order. A scalar's last one counts.
	parse(s *Settings, texts []string) error
	// decode sets the field from a TOML value, as BurntSushi/toml types it.
	decode(s *Settings, value any) error
	// encode returns the field as a TOML value that decode takes back.
	encode(s *Settings) any
	// wants says in words which values there are: "a whole number from 1 to 8".
	wants() string
}

// scalar is a kind with one value. read takes it from text, take from TOML;
// false means that it is not what want says.
type scalar[T any] struct {
	field func(*Settings) *T
	want  string
	read  func(string) (T, bool)
	take  func(any) (T, bool)
	write func(T) any
	words []string // the only ones, if they are few
}

func (k scalar[T]) parse(s *Settings, texts []string) error {
	var errs []error
	for _, text := range texts {
		value, ok := k.read(text)
		if !ok {
			errs = append(errs, k.wrong(text))
			continue
		}
		*k.field(s) = value
	}
	return errors.Join(errs...)
}

func (k scalar[T]) decode(s *Settings, value any) error {
	v, ok := k.take(value)
	if !ok {
		return k.wrong(value)
	}
	*k.field(s) = v
	return nil
}

func (k scalar[T]) encode(s *Settings) any { return k.write(*k.field(s)) }

func (k scalar[T]) wants() string { return k.want }

func (k scalar[T]) wrong(value any) error {
	return fmt.Errorf("must be %s, not %s", k.want, shown(value))
}

// shown is a wrong value as a message quotes it.
func shown(value any) string {
	switch v := value.(type) {
	case string:
		if r := []rune(v); len(r) > 60 {
			v = string(r[:60]) + "…"
		}
		return strconv.Quote(v)
	case int64, bool:
		return fmt.Sprint(v)
	case float64:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(text, ".eIN") {
			text += ".0" // as in the file: 8.0 is no 8
		}
		return text
	case time.Time:
		return "a date or time"
	case []any:
		return "an array"
	default:
		return "a table"
	}
}

// ofString makes take of read, for the scalars that are strings in TOML too.
func ofString[T any](read func(string) (T, bool)) func(any) (T, bool) {
	return func(value any) (T, bool) {
		text, ok := value.(string)
		if !ok {
			var none T
			return none, false
		}
		return read(text)
	}
}

// number is a whole number of things from least to most.
func number(field func(*Settings) *int, least, most int) kind {
	within := func(n int64) (int, bool) { return int(n), int64(least) <= n && n <= int64(most) }
	return scalar[int]{
		field: field,
		want:  fmt.Sprintf("a whole number from %d to %d", least, most),
		read: func(text string) (int, bool) {
			n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			if err != nil {
				return 0, false
			}
			return within(n)
		},
		take: func(value any) (int, bool) {
			n, ok := value.(int64)
			if !ok {
				return 0, false
			}
			return within(n)
		},
		write: func(n int) any { return n },
	}
}

// size is a number of bytes from least to most: 65536, or 64K, 10M, 1G, 1T,
// also spelled KiB, MiB, GiB, TiB, in either case; K is 1024, as in nginx.
// KB and its like are refused: people disagree on whether that is 1000.
func size[T int | int64](field func(*Settings) *T, least, most int64) kind {
	want := fmt.Sprintf("a size of at least %s, such as 65536, 64K or 10M (K is 1024)", sizeText(least))
	if most < math.MaxInt64 {
		want = fmt.Sprintf("a size from %s to %s, such as 4096 or 4K (K is 1024)", sizeText(least), sizeText(most))
	}
	read := func(text string) (T, bool) {
		n, ok := parseSize(text)
		return T(n), ok && least <= n && n <= most
	}
	return scalar[T]{
		field: field,
		want:  want,
		read:  read,
		take: func(value any) (T, bool) {
			if n, ok := value.(int64); ok {
				return T(n), least <= n && n <= most
			}
			return ofString(read)(value)
		},
		write: func(n T) any {
			text := sizeText(int64(n))
			if plain, err := strconv.ParseInt(text, 10, 64); err == nil {
				return plain
			}
			return text
		},
	}
}

// sizeUnits are the letters of sizes, each 1024 times the one before.
const sizeUnits = "KMGT"

func parseSize(text string) (int64, bool) {
	text = strings.ToUpper(strings.TrimSpace(text))
	digits := strings.TrimRight(strings.TrimSuffix(text, "IB"), sizeUnits)
	unit := text[len(digits):]
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	if err != nil || n < 0 {
		return 0, false
	}
	if unit == "" {
		return n, true
	}
	power := strings.Index(sizeUnits, unit[:1]) + 1
	if rest := unit[1:]; power == 0 || (rest != "" && rest != "IB") || n > math.MaxInt64>>(10*power) {
		return 0, false
	}
	return n << (10 * power), true
}

// sizeText is the shortest text that parseSize reads as n.
func sizeText(n int64) string {
	unit := ""
	for i := 0; i < len(sizeUnits) && n > 0 && n%1024 == 0; i++ {
		n, unit = n/1024, sizeUnits[i:i+1]
	}
	return strconv.FormatInt(n, 10) + unit
}

// duration is a time from least to most: a number of seconds, as in Gunicorn,
// which may have a fraction, or a number with a unit: 500ms, 30s, 2m, 1h30m.
func duration(field func(*Settings) *time.Duration, least, most time.Duration) kind {
	within := func(d time.Duration) (time.Duration, bool) { return d, least <= d && d <= most }
	seconds := func(n float64) (time.Duration, bool) {
		if math.IsNaN(n) || math.Abs(n) > most.Seconds() {
			return 0, false // before it is a Duration: it might not fit
		}
		return within(time.Duration(math.Round(n * float64(time.Second))))
	}
	read := func(text string) (time.Duration, bool) {
		text = strings.TrimSpace(text)
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return seconds(n)
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, false
		}
		return within(d)
	}
	return scalar[time.Duration]{
		field: field,
		want:  fmt.Sprintf("a time from %s to %s, in seconds or with a unit: 30, 500ms, 2m", durationText(least), durationText(most)),
		read:  read,
		take: func(value any) (time.Duration, bool) {
			switch v := value.(type) {
			case int64:
				return seconds(float64(v))
			case float64:
				return seconds(v)
			}
			return ofString(read)(value)
		},
		write: func(d time.Duration) any {
			if d%time.Second == 0 {
				return int64(d / time.Second)
			}
			return d.String()
		},
	}
}

// durationText is d with one unit: 24h, where Duration.String has 24h0m0s.
func durationText(d time.Duration) string {
	switch {
	case d == 0:
		return "0"
	case d%time.Hour == 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	default:
		return d.String()
	}
}

// choice is one of a few words, in either case.
func choice(field func(*Settings) *string, words ...string) kind {
	read := func(text string) (string, bool) {
		text = strings.ToLower(strings.TrimSpace(text))
		return text, slices.Contains(words, text)
	}
	last := len(words) - 1
	return scalar[string]{
		field: field,
		want:  strings.Join(words[:last], ", ") + " or " + words[last],
		words: words,
		read:  read,
		take:  ofString(read),
		write: func(word string) any { return word },
	}
}

// onOff is a switch: a flag without a value, true or false in TOML, and one of
// a few words in the environment.
func onOff(field func(*Settings) *bool) kind {
	return scalar[bool]{
		field: field,
		want:  "true or false",
		read: func(text string) (on, ok bool) {
			switch strings.ToLower(strings.TrimSpace(text)) {
			case "true", "1", "yes", "on":
				return true, true
			case "false", "0", "no", "off":
				return false, true
			}
			return false, false
		},
		take: func(value any) (on, ok bool) {
			on, ok = value.(bool)
			return on, ok
		},
		write: func(on bool) any { return on },
	}
}

// umask is a file mode mask in octal, kept as four digits; empty is none.
func umask(field func(*Settings) *string) kind {
	format := func(n int64) (string, bool) { return fmt.Sprintf("%04o", n), 0 <= n && n <= 0o777 }
	read := func(text string) (string, bool) {
		text = strings.TrimPrefix(strings.TrimSpace(text), "0o")
		if text == "" {
			return "", true
		}
		n, err := strconv.ParseInt(text, 8, 64)
		if err != nil {
			return "", false
		}
		return format(n)
	}
	return scalar[string]{
		field: field,
		want:  "an octal number from 0 to 0777, such as 0027",
		read:  read,
		take: func(value any) (string, bool) {
			if n, ok := value.(int64); ok { // TOML has 0o27
				return format(n)
			}
			return ofString(read)(value)
		},
		write: func(text string) any { return text },
	}
}
