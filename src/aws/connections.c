/* connections.c - see connections.h: a list under a lock, and a thread that looks through it once a second. */
#include "aws/connections.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

struct AwsConnection {
    AwsConnection *next, *previous;
    int fd;
    bool is_busy;
    time_t since; /* waiting for a request */
};

struct AwsConnections {
    pthread_mutex_t mutex;
    pthread_cond_t stopped;
    pthread_t watcher;
    bool is_stopping;
    int patience_seconds;
    size_t count;
    AwsConnection *first;
};

static time_t seconds_now(void) {
    struct timespec now;
    return clock_gettime(CLOCK_MONOTONIC, &now) == 0 ? now.tv_sec : 0;
}

static void *watch(void *self) {
    AwsConnections *connections = self;
    (void)pthread_mutex_lock(&connections->mutex);
    while (!connections->is_stopping) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec++;
        (void)pthread_cond_timedwait(&connections->stopped, &connections->mutex, &until);
        for (AwsConnection *at = connections->first; at != NULL; at = at->next) {
            if (!at->is_busy && seconds_now() - at->since > connections->patience_seconds) {
                (void)shutdown(at->fd, SHUT_RDWR); /* its own thread sees the end, and closes */
            }
        }
    }
    (void)pthread_mutex_unlock(&connections->mutex);
    return NULL;
}

AwsConnections *aws_connections_new(int patience_seconds, Err *err) {
    AwsConnections *connections = calloc(1, sizeof *connections);
    pthread_condattr_t clock;
    bool ok = connections != NULL && pthread_condattr_init(&clock) == 0;
    if (ok) {
        connections->patience_seconds = patience_seconds;
        ok = pthread_condattr_setclock(&clock, CLOCK_MONOTONIC) == 0 && pthread_mutex_init(&connections->mutex, NULL) == 0 &&
             pthread_cond_init(&connections->stopped, &clock) == 0;
        (void)pthread_condattr_destroy(&clock);
    }
    if (!ok || pthread_create(&connections->watcher, NULL, watch, connections) != 0) {
        (void)err_set(err, ERR_INTERNAL, "cannot watch connections");
        free(connections);
        return NULL;
    }
    return connections;
}

void aws_connections_free(AwsConnections *owned_connections) {
    if (owned_connections == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&owned_connections->mutex);
    owned_connections->is_stopping = true;
    (void)pthread_cond_signal(&owned_connections->stopped);
    (void)pthread_mutex_unlock(&owned_connections->mutex);
    (void)pthread_join(owned_connections->watcher, NULL);
    for (AwsConnection *at = owned_connections->first; at != NULL;) {
        AwsConnection *next = at->next;
        free(at);
        at = next;
    }
    (void)pthread_cond_destroy(&owned_connections->stopped);
    (void)pthread_mutex_destroy(&owned_connections->mutex);
    free(owned_connections);
}

AwsConnection *aws_connection_opened(AwsConnections *connections, int fd) {
    AwsConnection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return NULL;
    }
    connection->fd = fd;
    connection->since = seconds_now();
    (void)pthread_mutex_lock(&connections->mutex);
    connection->next = connections->first;
    if (connection->next != NULL) {
        connection->next->previous = connection;
    }
    connections->first = connection;
    connections->count++;
    (void)pthread_mutex_unlock(&connections->mutex);
    return connection;
}

void aws_connection_closed(AwsConnections *connections, AwsConnection *owned_connection) {
    if (owned_connection == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&connections->mutex);
    if (owned_connection->previous != NULL) {
        owned_connection->previous->next = owned_connection->next;
    } else {
        connections->first = owned_connection->next;
    }
    if (owned_connection->next != NULL) {
        owned_connection->next->previous = owned_connection->previous;
    }
    connections->count--;
    (void)pthread_mutex_unlock(&connections->mutex);
    free(owned_connection);
}

void aws_connection_busy(AwsConnections *connections, AwsConnection *connection, bool is_busy) {
    if (connection == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&connections->mutex);
    connection->is_busy = is_busy;
    connection->since = seconds_now();
    (void)pthread_mutex_unlock(&connections->mutex);
}

size_t aws_connections_count(AwsConnections *connections) {
    (void)pthread_mutex_lock(&connections->mutex);
    size_t count = connections->count;
    (void)pthread_mutex_unlock(&connections->mutex);
    return count;
}
