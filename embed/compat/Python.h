/* Python.h for cpy3 v0.2.0, which was written for CPython 3.7.
 *
 * Stands in front of CPython's own header (see cgo_env.py) and declares what
 * later versions removed and cpy3 still names. Nothing of gowsgi calls these;
 * a stand-in that is called after all ends the process with its name rather
 * than pretend.
 */
#ifndef GOWSGI_COMPAT_PYTHON_H
#define GOWSGI_COMPAT_PYTHON_H

#include_next <Python.h>

/* cpy3 also wraps what is only deprecated: nothing the reader of a build log
 * could act on. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define GOWSGI_REMOVED(name) Py_FatalError(#name " was removed from this CPython")

#if PY_VERSION_HEX >= 0x03080000
static inline void PyEval_ReInitThreads(void) { GOWSGI_REMOVED(PyEval_ReInitThreads); }
#endif

#if PY_VERSION_HEX >= 0x03090000
static inline int PyDict_ClearFreeList(void) { GOWSGI_REMOVED(PyDict_ClearFreeList); }
static inline int PyFloat_ClearFreeList(void) { GOWSGI_REMOVED(PyFloat_ClearFreeList); }
static inline int PyList_ClearFreeList(void) { GOWSGI_REMOVED(PyList_ClearFreeList); }
/* Declared until 3.12, but no longer exported by libpython. */
#define PySignal_SetWakeupFd gowsgi_compat_PySignal_SetWakeupFd
static inline int gowsgi_compat_PySignal_SetWakeupFd(int fd) {
    (void)fd;
    GOWSGI_REMOVED(PySignal_SetWakeupFd);
}
#endif

#if PY_VERSION_HEX >= 0x030d0000
static inline int PyEval_ThreadsInitialized(void) { GOWSGI_REMOVED(PyEval_ThreadsInitialized); }
static inline void PySys_AddWarnOption(const wchar_t *option) {
    (void)option;
    GOWSGI_REMOVED(PySys_AddWarnOption);
}
static inline void PySys_AddXOption(const wchar_t *option) {
    (void)option;
    GOWSGI_REMOVED(PySys_AddXOption);
}
static inline void PySys_SetPath(const wchar_t *path) {
    (void)path;
    GOWSGI_REMOVED(PySys_SetPath);
}
static inline void Py_SetPath(const wchar_t *path) {
    (void)path;
    GOWSGI_REMOVED(Py_SetPath);
}
static inline int Py_SetStandardStreamEncoding(const char *encoding, const char *errors) {
    (void)encoding;
    (void)errors;
    GOWSGI_REMOVED(Py_SetStandardStreamEncoding);
}
#endif

#if PY_VERSION_HEX >= 0x030f0000
static inline wchar_t *Py_GetExecPrefix(void) { GOWSGI_REMOVED(Py_GetExecPrefix); }
static inline wchar_t *Py_GetPath(void) { GOWSGI_REMOVED(Py_GetPath); }
static inline wchar_t *Py_GetPrefix(void) { GOWSGI_REMOVED(Py_GetPrefix); }
static inline wchar_t *Py_GetProgramFullPath(void) { GOWSGI_REMOVED(Py_GetProgramFullPath); }
static inline wchar_t *Py_GetProgramName(void) { GOWSGI_REMOVED(Py_GetProgramName); }
static inline void PySys_ResetWarnOptions(void) { GOWSGI_REMOVED(PySys_ResetWarnOptions); }
static inline wchar_t *Py_GetPythonHome(void) { GOWSGI_REMOVED(Py_GetPythonHome); }
#endif

#endif
