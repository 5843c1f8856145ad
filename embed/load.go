package embed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	python3 "github.com/go-python/cpy3"
)

// LoadError says why a target could not be loaded: one sentence for the
// operator, and what Python raised, if it did.
type LoadError struct {
	Message string
	Cause   *Error // nil if no exception was the reason
	Missing string // the module that is not there, if that was it
}

func (e *LoadError) Error() string { return e.Message }

// Unwrap gives errors.As the Python exception.
func (e *LoadError) Unwrap() error {
	if e.Cause == nil {
		return nil
	}
	return e.Cause
}

// load imports the target and returns its callable, a new reference. GIL held,
// on Python's main thread.
func (in *Interpreter) load(spec string) (*python3.PyObject, error) {
	t, err := parseTarget(spec)
	if err != nil {
		return nil, err
	}
	module, err := t.importModule()
	if err != nil {
		return nil, err
	}
	defer module.DecRef()
	application, err := t.find(module)
	if err != nil {
		return nil, err
	}
	if err := t.check(spec, application); err != nil {
		application.DecRef()
		return nil, err
	}
	return application, nil
}

func (t target) importModule() (*python3.PyObject, error) {
	if t.file != "" {
		return t.importFile()
	}
	module := python3.PyImport_ImportModule(t.module)
	if module != nil {
		return module, nil
	}
	err := pythonError()
	var e *Error
	if errors.As(err, &e) && e.Type == "ModuleNotFoundError" && (e.Name == t.module || strings.HasPrefix(t.module, e.Name+".")) {
		if err := t.dotted(e.Name); err != nil {
			return nil, err
		}
		cwd, _ := os.Getwd()
		missing := &LoadError{
			Message: fmt.Sprintf("no module named %q: looked in %s and on sys.path; set --chdir or --pythonpath to where it is", e.Name, cwd),
			Missing: e.Name,
		}
		if strings.HasSuffix(t.module, ".wsgi") {
			missing.Message = fmt.Sprintf("there is no file %s, and %s", filepath.Join(cwd, t.module), missing.Message)
		}
		return nil, missing
	}
	return nil, raised("importing "+t.module, err)
}

// dotted says how a target is written that has a dot for its colon, as elsewhere:
// missing, which is no module, is an attribute of the one before it. Nil if it is not.
func (t target) dotted(missing string) error {
	i := strings.LastIndexByte(missing, '.')
	if i <= 0 || t.attr != "" {
		return nil
	}
	module := python3.PyImport_ImportModule(missing[:i]) // it has been, to look for the rest
	if module == nil {
		python3.PyErr_Clear()
		return nil
	}
	defer module.DecRef()
	name := t.module[i+1:]
	application, err := target{module: missing[:i], attr: name}.find(module)
	if err != nil {
		return nil // there are better words for what is not there
	}
	application.DecRef()
	return &LoadError{Message: fmt.Sprintf("%s is no module but an attribute of one: write %s:%s", t.module, missing[:i], name)}
}

// importFile imports a file by its path. Its folder goes onto sys.path, as with
// python file.py.
func (t target) importFile() (*python3.PyObject, error) {
	path, err := filepath.Abs(t.file)
	if err != nil {
		return nil, &LoadError{Message: err.Error()}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, &LoadError{Message: fmt.Sprintf("cannot read the application's file: %v", err)}
	}
	if info.IsDir() {
		return nil, &LoadError{Message: fmt.Sprintf("%s is a folder: write module:callable, or the path of a .py or .wsgi file", t.file)}
	}
	file := pathText(path)
	folder := pathText(filepath.Dir(path))
	defer file.DecRef()
	defer folder.DecRef()
	if python3.PyList_Insert(python3.PySys_GetObject("path"), 0, folder) != 0 {
		return nil, pythonError()
	}
	name := python3.PyUnicode_FromString(moduleName(path, isLoaded))
	defer name.DecRef()
	loader, err := call("importlib.machinery", "SourceFileLoader", name, file)
	if err != nil {
		return nil, err
	}
	defer loader.DecRef()
	spec, err := call("importlib.util", "spec_from_loader", name, loader)
	if err != nil {
		return nil, err
	}
	defer spec.DecRef()
	module, err := call("importlib.util", "module_from_spec", spec)
	if err != nil {
		return nil, err
	}
	modules := python3.PyImport_GetModuleDict() // borrowed
	if python3.PyDict_SetItem(modules, name, module) != 0 {
		module.DecRef()
		return nil, pythonError()
	}
	if err := execute(loader, module, file, filepath.Ext(path) == ".py"); err != nil {
		python3.PyDict_DelItem(modules, name)
		module.DecRef()
		return nil, raised("importing "+t.file, err)
	}
	return module, nil
}

// isLoaded: a module of that name is imported already.
func isLoaded(name string) bool {
	return python3.PyDict_GetItemString(python3.PyImport_GetModuleDict(), name) != nil
}

// execute runs the module's file. What is no .py is not kept as bytecode: the
// name of that is made from the file's without its ending, and site.wsgi may stand
// beside a site.py.
func execute(loader, module, file *python3.PyObject, cached bool) error {
	if cached {
		done := loader.CallMethodArgs("exec_module", module)
		if done == nil {
			return pythonError()
		}
		done.DecRef()
		return nil
	}
	source := loader.CallMethodArgs("get_data", file)
	if source == nil {
		return pythonError()
	}
	defer source.DecRef()
	code := loader.CallMethodArgs("source_to_code", source, file)
	if code == nil {
		return pythonError()
	}
	defer code.DecRef()
	done, err := call("builtins", "exec", code, python3.PyModule_GetDict(module)) // borrowed
	if err != nil {
		return err
	}
	done.DecRef()
	return nil
}

// find gets the callable out of the module, calling the factory if there is
// one.
func (t target) find(module *python3.PyObject) (*python3.PyObject, error) {
	where := t.module + t.file
	names := defaults
	if t.attr != "" {
		names = []string{t.attr}
	}
	for _, name := range names {
		object := module
		object.IncRef()
		for part := range strings.SplitSeq(name, ".") {
			next := object.GetAttrString(part)
			object.DecRef()
			object = next
			if object == nil {
				break
			}
		}
		if object == nil {
			if !python3.PyErr_ExceptionMatches(python3.PyExc_AttributeError) {
				return nil, raised("looking up "+name+" in "+where, pythonError())
			}
			python3.PyErr_Clear()
			continue
		}
		if t.call == "" {
			return object, nil
		}
		defer object.DecRef()
		return t.callFactory(object)
	}
	return nil, &LoadError{
		Message: fmt.Sprintf(`%s has no attribute "%s": write module:callable with the name of the WSGI application`, where, strings.Join(names, `" or "`)),
	}
}

// callFactory calls module:make(args). The arguments are literals; nothing is
// evaluated.
func (t target) callFactory(factory *python3.PyObject) (*python3.PyObject, error) {
	source := python3.PyUnicode_FromString(t.call)
	empty := python3.PyUnicode_FromString("<target>")
	mode := python3.PyUnicode_FromString("eval")
	defer source.DecRef()
	defer empty.DecRef()
	defer mode.DecRef()
	notLiteral := &LoadError{Message: fmt.Sprintf("%s: a factory takes literal arguments only, such as make('production', debug=False)", t.call)}
	tree, err := call("ast", "parse", source, empty, mode)
	if err != nil {
		return nil, notLiteral
	}
	defer tree.DecRef()
	body := tree.GetAttrString("body")
	defer body.DecRef()
	nodes, keywords := body.GetAttrString("args"), body.GetAttrString("keywords")
	defer nodes.DecRef()
	defer keywords.DecRef()
	if nodes == nil || keywords == nil {
		python3.PyErr_Clear()
		return nil, notLiteral
	}
	args := python3.PyTuple_New(python3.PyList_Size(nodes))
	defer args.DecRef()
	for i := range python3.PyList_Size(nodes) {
		value, err := call("ast", "literal_eval", python3.PyList_GetItem(nodes, i))
		if err != nil {
			return nil, notLiteral
		}
		python3.PyTuple_SetItem(args, i, value) // steals value
	}
	kwargs := python3.PyDict_New()
	defer kwargs.DecRef()
	for i := range python3.PyList_Size(keywords) {
		keyword := python3.PyList_GetItem(keywords, i) // borrowed
		node := keyword.GetAttrString("value")
		value, err := call("ast", "literal_eval", node)
		node.DecRef()
		name := text(keyword.GetAttrString("arg"))
		if err != nil || name == "" {
			return nil, notLiteral
		}
		python3.PyDict_SetItemString(kwargs, name, value)
		value.DecRef()
	}
	application := factory.Call(args, kwargs)
	if application == nil {
		return nil, raised("calling "+t.call, pythonError())
	}
	return application, nil
}

// call calls a function of a module of the standard library.
func call(module, function string, args ...*python3.PyObject) (*python3.PyObject, error) {
	m := python3.PyImport_ImportModule(module)
	if m == nil {
		return nil, pythonError()
	}
	defer m.DecRef()
	result := m.CallMethodArgs(function, args...)
	if result == nil {
		return nil, pythonError()
	}
	return result, nil
}

func raised(doing string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		load := &LoadError{Message: fmt.Sprintf("%s raised %s", doing, e), Cause: e}
		if e.Type == "ModuleNotFoundError" {
			load.Missing = e.Name
		}
		return load
	}
	return err
}
