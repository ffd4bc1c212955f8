/* daemon/local_storage.h - the engine's view of buckets (exec/storage.h) over the store. */
#ifndef SOLDER_DAEMON_LOCAL_STORAGE_H
#define SOLDER_DAEMON_LOCAL_STORAGE_H

#include "exec/storage.h"
#include "store/store.h"

/* The store must outlive the result. */
ExStorage local_storage(StStore *store);

#endif
