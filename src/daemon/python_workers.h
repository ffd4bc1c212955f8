/* daemon/python_workers.h - Python worker processes for the engine (ExWorkerStarter), started and ended by supervise/. */
#ifndef SOLDER_DAEMON_PYTHON_WORKERS_H
#define SOLDER_DAEMON_PYTHON_WORKERS_H

#include "exec/exec.h"

typedef struct PythonWorkers PythonWorkers;

/* The texts are borrowed and must outlive the result. */
PythonWorkers *python_workers_new(const char *python, const char *module_path);
const ExWorkerStarter *python_workers_starter(const PythonWorkers *workers);
/* Ends every worker that still runs. */
void python_workers_free(PythonWorkers *owned_workers);

#endif
