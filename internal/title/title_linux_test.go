package title

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const asChild = "GOWSGI_TEST_TITLE"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) != "" {
		child()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child sets each line that it reads as its title, and answers with what it
// thinks its arguments and environment are.
func child() {
	title := Take()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		title.Set("gowsgi", lines.Text())
		os.Stdout.WriteString(strings.Join(os.Args[1:], " ") + " " + os.Getenv("AFTER") + "\n")
	}
}

func TestTitleIsShownWhateverItsLength(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-c", "file")
	cmd.Env = []string{asChild + "=1", "AFTER=" + strings.Repeat("a", 200)}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	folder := "/proc/" + strconv.Itoa(cmd.Process.Pid)
	answers := bufio.NewReader(out)
	given := len(strings.Join(cmd.Args, " ")) + 1
	for _, title := range []string{
		"gowsgi: supervisor [x]",
		"gowsgi: " + strings.Repeat("l", 180),
		"short",
		"gowsgi: " + strings.Repeat("e", given-len("gowsgi: ")),   // ends where the arguments did
		"gowsgi: " + strings.Repeat("n", given-len("gowsgi: ")-1), // their terminator's place
		"ü", "",
	} {
		if _, err := io.WriteString(in, title+"\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := answers.ReadString('\n')
		if err != nil || answer != "-c file "+strings.Repeat("a", 200)+"\n" {
			t.Errorf("the process thinks its arguments are %q, %v", answer, err)
		}
		line, err := os.ReadFile(folder + "/cmdline")
		if got := strings.TrimRight(string(line), "\x00"); err != nil || got != title {
			t.Errorf("title %q, want %q, %v", got, title, err)
		}
		if name, _ := os.ReadFile(folder + "/comm"); string(name) != "gowsgi\n" {
			t.Errorf("name %q", name)
		}
	}
	if _, err := io.WriteString(in, strings.Repeat("x", 100_000/2)+"\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := answers.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if line, err := os.ReadFile(folder + "/cmdline"); err != nil || !strings.HasPrefix(string(line), "xxxx") || slices.Contains(line, 'a') {
		t.Errorf("the longest title is %q, %v", line, err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
