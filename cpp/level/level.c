// alphazero._level: what this processor can do, asked of the processor itself.
//
// A wheel has a core for each level of the x86-64 architecture (x86-64-v2, v3, v4 of the psABI); this module is built for
// the least of them and says which one may be loaded. It is C, and as small as it is, so that no newer instruction gets in.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject* level(PyObject* self, PyObject* args) {
  (void)self;
  (void)args;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return PyLong_FromLong(4);
  if (__builtin_cpu_supports("x86-64-v3")) return PyLong_FromLong(3);
  if (__builtin_cpu_supports("x86-64-v2")) return PyLong_FromLong(2);
#endif
  return PyLong_FromLong(1);
}

static PyMethodDef methods[] = {
    {"level", level, METH_NOARGS, "The highest x86-64 level that this processor has, 1 to 4; 1 on another architecture."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_level",
    .m_doc = "What this processor can do.",
    .m_size = 0,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit__level(void);
PyMODINIT_FUNC PyInit__level(void) { return PyModule_Create(&module); }
