/* exec/storage_dir.h - plain directories as an ExStorage (exec/storage.h): the same transactions as buckets have. */
#ifndef SOLDER_EXEC_STORAGE_DIR_H
#define SOLDER_EXEC_STORAGE_DIR_H

#include "exec/storage.h"

extern const ExStorage ex_dir_storage;

#endif
