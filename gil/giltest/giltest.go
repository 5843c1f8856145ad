// Package giltest has tasks for the tests of package gil: cgo cannot be used in
// test files.
package giltest

/*
#cgo pkg-config: python3
#cgo CFLAGS: -std=gnu11 -Wall -Wextra -Wno-unused-parameter
#include <Python.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include "../pool.h"

// How many tasks of a quota are inside, and were at most.
typedef struct {
    int32_t inside, most;
} crowd;

typedef struct {
    gowsgi_task task;
    crowd *crowd; // NULL: nobody counts
    int64_t ns;
    int32_t runs;
    int32_t rings;
    uint64_t thread; // pthread_self of the last run
    long seen; // how often this thread has run such a task, by a Python thread-local
} test_task;

static void note(test_task *t) {
    t->runs++;
    t->thread = (uint64_t)pthread_self();
    // The thread state's dict is what threading.local is built on.
    PyObject *local = PyThreadState_GetDict(); // borrowed
    PyObject *old = PyDict_GetItemString(local, "seen"); // borrowed
    t->seen = (old ? PyLong_AsLong(old) : 0) + 1;
    PyObject *now = PyLong_FromLong(t->seen); // new
    PyDict_SetItemString(local, "seen", now);
    Py_DECREF(now);
}

static void run_sleep(gowsgi_task *task) {
    test_task *t = (test_task *)task;
    note(t);
    if (t->crowd) { // under the GIL
        t->crowd->inside++;
        if (t->crowd->inside > t->crowd->most)
            t->crowd->most = t->crowd->inside;
    }
    Py_BEGIN_ALLOW_THREADS
    struct timespec pause = {t->ns / 1000000000, t->ns % 1000000000};
    nanosleep(&pause, NULL);
    Py_END_ALLOW_THREADS
    if (t->crowd)
        t->crowd->inside--;
}

static void run_compute(gowsgi_task *task) {
    test_task *t = (test_task *)task;
    note(t);
    int64_t end = gowsgi_now() + t->ns;
    PyObject *globals = PyDict_New();
    while (gowsgi_now() < end) {
        // Bytecode, so that the interpreter can hand the GIL over.
        PyObject *result = PyRun_String("for i in range(1000): pass", Py_file_input, globals, globals);
        Py_XDECREF(result);
    }
    Py_DECREF(globals);
}

static void run_ring(gowsgi_task *task) {
    test_task *t = (test_task *)task;
    note(t);
    for (int i = 0; i < t->rings; i++)
        gowsgi_pool_ring(task, GOWSGI_INPUT);
}

static void ring_now(test_task *t) { gowsgi_pool_ring(&t->task, GOWSGI_OUTPUT); }

static test_task *new_task(int kind, int64_t ns) {
    static const gowsgi_run runs[] = {run_sleep, run_compute, run_ring};
    test_task *t = calloc(1, sizeof *t);
    t->task.run = runs[kind];
    t->ns = ns;
    t->rings = (int32_t)ns;
    return t;
}

static gowsgi_quota *quota_new(gowsgi_pool *pool, int most) { return gowsgi_pool_quota(pool, most); }
static crowd *crowd_new(void) { return calloc(1, sizeof(crowd)); }
static void set_quota(test_task *t, gowsgi_quota *quota, crowd *crowd) {
    t->task.quota = quota;
    t->crowd = crowd;
}

static void start(void) {
    Py_InitializeEx(0);
    PyEval_SaveThread();
}
*/
import "C"

import (
	"sync"
	"time"
	"unsafe"
)

var once sync.Once

// Start starts CPython, once.
func Start() { once.Do(func() { C.start() }) }

// Work is a test task; hand Pointer to gil.Pool.Register.
type Work struct{ c *C.test_task }

// Sleep makes a task that blocks without the GIL.
func Sleep(d time.Duration) *Work { return &Work{C.new_task(0, C.int64_t(d))} }

// Compute makes a task that runs Python code.
func Compute(d time.Duration) *Work { return &Work{C.new_task(1, C.int64_t(d))} }

// Ring makes a task that rings its input bell n times.
func Ring(n int) *Work { return &Work{C.new_task(2, C.int64_t(n))} }

// Quota is a quota of a pool, with a count of the tasks that have it.
type Quota struct {
	quota *C.gowsgi_quota
	crowd *C.crowd
}

// NewQuota makes a quota of a pool, which is gil.Pool.Pointer.
func NewQuota(pool unsafe.Pointer, most int) *Quota {
	return &Quota{C.quota_new((*C.gowsgi_pool)(pool), C.int(most)), C.crowd_new()}
}

// Sleep makes a task of the quota that blocks without the GIL.
func (q *Quota) Sleep(d time.Duration) *Work {
	w := Sleep(d)
	C.set_quota(w.c, q.quota, q.crowd)
	return w
}

// Most is how many of its tasks have been inside at once. Read it while none is.
func (q *Quota) Most() int { return int(q.crowd.most) }

// RingNow rings the output bell, whatever the task does.
func (t *Work) RingNow() { C.ring_now(t.c) }

// Pointer is the task's memory.
func (t *Work) Pointer() unsafe.Pointer { return unsafe.Pointer(t.c) }

// Runs is how often the task has run. Read it while the task is done.
func (t *Work) Runs() int { return int(t.c.runs) }

// OSThread is the thread of the last run.
func (t *Work) OSThread() uint64 { return uint64(t.c.thread) }

// Seen is how many tasks the last run's thread had run by then, by its Python
// thread state.
func (t *Work) Seen() int { return int(t.c.seen) }
