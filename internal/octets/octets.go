// Package octets is JSON in which strings keep their bytes. What gowsgi's
// processes tell one another holds paths and variables of the environment, which
// on Unix are bytes and need not be UTF-8; encoding/json would put a replacement
// character in their place, and the path would be another one.
//
// A string that is UTF-8 looks as it always does. Another one is written with a
// mark in front and a character for each byte.
package octets

import (
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

// mark is in no path and no variable.
const mark = "\x00"

// Marshal is json.Marshal.
func Marshal(v any) ([]byte, error) { return json.Marshal(armored(v)) }

// Unmarshal is json.Unmarshal, of what Marshal wrote. v is a pointer.
func Unmarshal(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	strip(v)
	return err
}

// Encoder writes JSON values, one a line.
type Encoder struct{ json *json.Encoder }

// NewEncoder is json.NewEncoder.
func NewEncoder(w io.Writer) *Encoder { return &Encoder{json.NewEncoder(w)} }

// Encode is that of json.Encoder.
func (e *Encoder) Encode(v any) error { return e.json.Encode(armored(v)) }

// Decoder reads what an Encoder wrote.
type Decoder struct{ json *json.Decoder }

// NewDecoder is json.NewDecoder.
func NewDecoder(r io.Reader) *Decoder { return &Decoder{json.NewDecoder(r)} }

// Decode is that of json.Decoder. v is a pointer to a zero value.
func (d *Decoder) Decode(v any) error {
	err := d.json.Decode(v)
	strip(v)
	return err
}

// armored is a copy of v with strings that JSON can hold.
func armored(v any) any { return mapped(reflect.ValueOf(v), armor).Interface() }

// strip undoes that in what v points to.
func strip(v any) {
	target := reflect.ValueOf(v).Elem()
	target.Set(mapped(target, disarm))
}

func armor(text string) string {
	if utf8.ValidString(text) && !strings.HasPrefix(text, mark) {
		return text
	}
	var b strings.Builder
	b.WriteString(mark)
	for i := range len(text) {
		b.WriteRune(rune(text[i]))
	}
	return b.String()
}

func disarm(text string) string {
	text, armored := strings.CutPrefix(text, mark)
	if !armored {
		return text
	}
	return FromRunes(text)
}

// FromRunes has a byte for each character of text, the lowest eight bits of its
// number.
func FromRunes(text string) string {
	b := make([]byte, 0, len(text))
	for _, r := range text {
		b = append(b, byte(r))
	}
	return string(b)
}

// mapped is a copy of v in which f has changed all strings.
func mapped(v reflect.Value, f func(string) string) reflect.Value {
	switch v.Kind() {
	case reflect.String:
		changed := reflect.New(v.Type()).Elem()
		changed.SetString(f(v.String()))
		return changed
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		changed := reflect.New(v.Type().Elem())
		changed.Elem().Set(mapped(v.Elem(), f))
		return changed
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		changed := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			changed.Index(i).Set(mapped(v.Index(i), f))
		}
		return changed
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		changed := reflect.MakeMapWithSize(v.Type(), v.Len())
		for key, value := range v.Seq2() {
			changed.SetMapIndex(mapped(key, f), mapped(value, f))
		}
		return changed
	case reflect.Struct:
		changed := reflect.New(v.Type()).Elem()
		changed.Set(v)
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				changed.Field(i).Set(mapped(v.Field(i), f))
			}
		}
		return changed
	}
	return v
}
