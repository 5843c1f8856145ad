package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hanging starts gowsgi with these arguments, and waits until what they name is
// waited for: whoever hangs makes the file. The function waits for gowsgi's end.
func hanging(t *testing.T, file string, args ...string) (cmd *exec.Cmd, wait func() (stderr string)) {
	t.Helper()
	text, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd = exec.Command(os.Args[0])
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir, asGowsgi + "=" + string(text)}
	cmd.Stderr = &stderr
	// In a group of its own that is not orphaned: there SIGTTIN stops.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // ProcessState says it
	}()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	deadline := time.Now().Add(20 * time.Second)
	for {
		if _, err := os.Stat(file); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing was waited for")
		}
		time.Sleep(5 * time.Millisecond)
	}
	return cmd, func() string {
		t.Helper()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			state, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
			t.Fatalf("gowsgi has not ended: %s", state)
		}
		return stderr.String()
	}
}

// hangingVenv is a virtualenv whose Python does not answer.
func hangingVenv(t *testing.T) (venv, file string) {
	t.Helper()
	venv = t.TempDir()
	file = filepath.Join(venv, "asked")
	if err := os.Mkdir(filepath.Join(venv, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\n: > " + file + "\nexec sleep 300\n"
	if err := os.WriteFile(filepath.Join(venv, "bin", "python"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return venv, file
}

func TestSignalsWhileItStartsNeitherEndNorStopGowsgi(t *testing.T) {
	venv, asked := hangingVenv(t)
	for _, stop := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT} {
		t.Run(stop.String(), func(t *testing.T) {
			_ = os.Remove(asked)
			cmd, wait := hanging(t, asked, "--venv", venv, "x:app")
			for _, s := range []syscall.Signal{
				syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGPIPE, syscall.SIGXFSZ, stop,
			} {
				if err := cmd.Process.Signal(s); err != nil {
					t.Fatal(s, err)
				}
			}
			stderr := wait()
			if !cmd.ProcessState.Success() || strings.Count(stderr, "event=gowsgi.stopped reason=SIG") != 1 || strings.Count(stderr, "\n") != 1 {
				t.Errorf("%v: %s", cmd.ProcessState, stderr)
			}
		})
	}
}

func TestSignalsWhileSettingsAreReadEndTheStartWithASentence(t *testing.T) {
	folder := t.TempDir()
	pipe, read := filepath.Join(folder, "gowsgi.toml"), filepath.Join(folder, "read")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		writer, err := os.OpenFile(pipe, os.O_WRONLY, 0) // waits for the reader
		if err != nil {
			t.Error(err)
			return
		}
		_ = os.WriteFile(read, nil, 0o600)
		t.Cleanup(func() { writer.Close() })
	}()
	cmd, wait := hanging(t, read, "-c", pipe, "x:app")
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTTIN, syscall.SIGTERM} {
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(s, err)
		}
	}
	oneLine(t, wait(), "SIGTERM came while gowsgi was starting")
	if status := cmd.ProcessState.ExitCode(); status != 1 {
		t.Errorf("status %d", status)
	}
}
