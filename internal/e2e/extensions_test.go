package e2e

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
)

// Go works out each answer by itself, with its own libraries.
func TestExtensions(t *testing.T) {
	s := startSite(t, "extensions", "", modes[0])
	checks := map[string]func(t testing.TB, c *Client, i int){
		"numpy": checkNumpy, "lxml": checkLxml, "cryptography": checkCryptography, "pillow": checkPillow, "psycopg": checkPsycopg,
	}
	for name, check := range checks {
		t.Run(name+", 50 clients", func(t *testing.T) {
			Parallel(t, 50, func(t testing.TB, i int) { check(t, s.Client(t), i) })
		})
	}
	t.Run("all of them at once, 50 clients", func(t *testing.T) {
		Parallel(t, 50, func(t testing.TB, i int) {
			c := s.Client(t)
			for _, check := range checks { // in a random order
				check(t, c, i)
			}
		})
	})
}

func checkNumpy(t testing.TB, c *Client, i int) {
	size := 20 + i
	trace := 0
	for row := range size {
		for column := range size {
			trace += (row*size + column) * (column*size + row)
		}
	}
	seen := make([]bool, 100_003)
	for n := range 100_000 {
		seen[n*7919%100_003] = true
	}
	sum, position := 0, 0
	for value, ok := range seen {
		if ok {
			sum += value * position % 1009
			position++
		}
	}
	c.Get(fmt.Sprintf("/numpy/%d", size)).Want(t, 200, fmt.Sprintf("trace=%d sorted=%d", trace, sum))
}

func checkLxml(t testing.TB, c *Client, i int) {
	document, sorted := "", ""
	for n := range i + 1 {
		document += fmt.Sprintf(`<item n="%d">größe %d</item>`, n, i)
		sorted = fmt.Sprintf("%d=größe %d ", n, i) + sorted
	}
	c.Post("/lxml", "text/xml", "<list>"+document+"</list>").
		Want(t, 200, fmt.Sprintf("total=%d first=GRÖSSE %d sorted=%s", i*(i+1)/2, i, sorted))
}

func checkCryptography(t testing.TB, c *Client, i int) {
	text := fmt.Sprintf("text%d", i)
	key := sha256.Sum256([]byte(text))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	sealed := gcm.Seal(nil, key[:12], []byte(strings.Repeat(text, 1000)), []byte("more"))
	signature := ed25519.Sign(ed25519.NewKeyFromSeed(key[:]), sealed)
	c.Get("/cryptography/"+text).
		Want(t, 200, fmt.Sprintf("key=%x sealed=%x signature=%x", key, sha256.Sum256(sealed), signature))
}

func checkPillow(t testing.TB, c *Client, i int) {
	width, height := 60+i, 40
	pixel := func(x, y int) color.RGBA {
		return color.RGBA{R: uint8(x), G: uint8(y), B: uint8(i), A: 255}
	}
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for x := range width {
		for y := range height {
			picture.SetRGBA(x, y, pixel(x, y))
		}
	}
	var body bytes.Buffer
	if err := png.Encode(&body, picture); err != nil {
		t.Fatal(err)
	}
	response := c.Post("/pillow", "image/png", body.String())
	turned, err := png.Decode(strings.NewReader(response.Body))
	if err != nil {
		t.Fatalf("status %d: %v", response.Status, err)
	}
	if turned.Bounds() != image.Rect(0, 0, height, width) {
		t.Fatalf("the turned image is %v", turned.Bounds())
	}
	for x := range width {
		for y := range height {
			want := pixel(x, y)
			want.R, want.G, want.B = 255-want.R, 255-want.G, 255-want.B
			if got := color.RGBAModel.Convert(turned.At(y, width-1-x)); got != want {
				t.Fatalf("pixel %d, %d: %v, want %v", x, y, got, want)
			}
		}
	}
}

func checkPsycopg(t testing.TB, c *Client, i int) {
	c.Get(fmt.Sprintf("/psycopg/%d", i)).
		Want(t, 200, fmt.Sprintf(`binary: SELECT %d FROM "ta""ble"."%d" WHERE a =  E'O''Reilly \\ %d'; refused`, i, i, i))
}
