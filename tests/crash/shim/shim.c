/*
 * Stands between the issuer under test and its files: counts syncs, makes them fail, tears writes, and cuts the power.
 * For tests only; compiled by the crash harness and loaded with LD_PRELOAD. Linux, glibc.
 *
 * Only files below CRASH_SHIM_DIRECTORY are touched. What the environment tells:
 *   CRASH_SHIM_FAULT    "eio-sync N": the Nth sync fails and what it should have synced is gone; "enospc-write N": from the
 *                       Nth write on there is no space; "torn-write N": half of the Nth write, then SIGKILL; "end-at-call N":
 *                       SIGKILL, or a power cut, instead of the Nth call of any kind that changes or syncs something
 *   CRASH_SHIM_POWER    "strict": a power cut takes everything that was not synced; "random": some of it, by CRASH_SHIM_SEED
 *   CRASH_SHIM_ASIDE    a directory on the same file system for what a power cut may have to bring back
 *   CRASH_SHIM_LOG      a file for one line a sync and a note, told with the commands below
 *   CRASH_SHIM_BOOT     a file that is opened where the program asks the kernel which run of the machine this is
 *
 * The program tells it what to do by opening a path that cannot exist, "/crash-shim/" and a command: kill, power-cut,
 * kill-at-sync, power-cut-at-sync (instead of the next sync), kill-in-reply (in the middle of the next write to a TCP
 * socket), kill-at-rename (instead of the next rename), note-TEXT. Opening is a call that needs nothing but the standard
 * library, and it has happened when it returns, which a signal to oneself has not.
 *
 * Not seen: mmap, and whoever makes system calls without the C library (rustix does, in tempfile): what they do counts as
 * durable at once. So does what mkdir and unlinkat do, which are counted. The engines write their journals through calls that are seen; a test counts them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"

#define REAL(name) ((__typeof__(&name))real(#name))

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static char directory[4096];
static size_t directory_length;
static int log_file = -1;
static enum { NO_FAULT, EIO_SYNC, ENOSPC_WRITE, TORN_WRITE, END_AT_CALL } fault;
static long fault_at, syncs, writes, calls;
static enum { NOTHING, KILL, POWER_CUT } at_sync;
static int in_reply, at_rename;

static void *real(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

/* Whoever waits for the lock waits for ever: nothing is written any more. */
static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static void cut_power(void) {
    forget_what_was_not_synced();
    die();
}

/* Counts a call that changes or syncs something; the caller holds the lock. */
static void count_call(void) {
    if (++calls == fault_at && fault == END_AT_CALL)
        cut_power();
}

static int is_below(const char *path) {
    return directory_length > 0 && strncmp(path, directory, directory_length) == 0 && path[directory_length] == '/';
}

/* Finds the path of an open file; tells whether it is ours. */
static int is_ours(int file, char path[4096]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = directory_length > 0 ? readlink(link, path, 4095) : -1;
    if (length < 0)
        return 0;
    path[length] = 0;
    return is_below(path);
}

static int is_tcp(int file) {
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    return getsockname(file, (struct sockaddr *)&name, &length) == 0 && name.ss_family == AF_INET;
}

__attribute__((constructor)) static void begin(void) {
    const char *named = getenv("CRASH_SHIM_DIRECTORY"), *told = getenv("CRASH_SHIM_FAULT"), *log = getenv("CRASH_SHIM_LOG");
    char name[32] = "";
    if (named == NULL)
        return;
    if (told != NULL && sscanf(told, "%31s %ld", name, &fault_at) == 2)
        fault = strcmp(name, "eio-sync") == 0       ? EIO_SYNC
                : strcmp(name, "enospc-write") == 0 ? ENOSPC_WRITE
                : strcmp(name, "torn-write") == 0   ? TORN_WRITE
                                                    : END_AT_CALL;
    if (log != NULL)
        log_file = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    remember_until_synced(getenv("CRASH_SHIM_POWER"), getenv("CRASH_SHIM_SEED"), getenv("CRASH_SHIM_ASIDE"));
    snprintf(directory, sizeof directory, "%s", named);
    directory_length = strlen(directory);
}

/* Writes of several threads come to an end in another order than they began, as on a busy disk. */
static void dawdle(void) {
    nanosleep(&(struct timespec){.tv_nsec = (random() % 4) * 1000 * 1000}, NULL);
}

static void obey(const char *command) {
    if (strncmp(command, "note-", 5) == 0 && log_file >= 0)
        dprintf(log_file, "note %s\n", command + 5);
    else if (strcmp(command, "kill") == 0)
        die();
    else if (strcmp(command, "power-cut") == 0)
        cut_power();
    else if (strcmp(command, "kill-at-sync") == 0)
        at_sync = KILL;
    else if (strcmp(command, "power-cut-at-sync") == 0)
        at_sync = POWER_CUT;
    else if (strcmp(command, "kill-in-reply") == 0)
        in_reply = 1;
    else if (strcmp(command, "kill-at-rename") == 0)
        at_rename = 1;
}

static int opened(const char *path, int flags, mode_t mode) {
    static const char command[] = "/crash-shim/";
    if (strncmp(path, command, sizeof command - 1) == 0) {
        pthread_mutex_lock(&one_at_a_time);
        obey(path + sizeof command - 1);
        pthread_mutex_unlock(&one_at_a_time);
        errno = ENOENT;
        return -1;
    }
    if (strcmp(path, "/proc/sys/kernel/random/boot_id") == 0 && getenv("CRASH_SHIM_BOOT") != NULL)
        path = getenv("CRASH_SHIM_BOOT");
    if (!is_below(path) || !(flags & (O_CREAT | O_TRUNC)))
        return REAL(open)(path, flags, mode);
    pthread_mutex_lock(&one_at_a_time);
    count_call();
    int is_new = access(path, F_OK) != 0;
    if (!is_new && (flags & O_TRUNC))
        before_length(path, 0);
    int file = REAL(open)(path, flags, mode);
    if (file >= 0 && is_new)
        after_create(path);
    pthread_mutex_unlock(&one_at_a_time);
    return file;
}

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...) {                                                                       \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = va_arg(rest, mode_t);                                                                            \
        va_end(rest);                                                                                                  \
        return opened(path, flags, mode);                                                                              \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                                                   \
    int name(int at, const char *path, int flags, ...) {                                                               \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = va_arg(rest, mode_t);                                                                            \
        va_end(rest);                                                                                                  \
        return path[0] == '/' ? opened(path, flags, mode) : REAL(openat)(at, path, flags, mode);                       \
    }
OPENAT(openat)
OPENAT(openat64)

/* One write of any kind: `offset` is -1 where the file's own position counts. */
static ssize_t written(int file, const struct iovec *parts, int count, off_t offset) {
    char path[4096];
    ssize_t done;
    if (!is_ours(file, path)) {
        if (in_reply && is_tcp(file)) {
            REAL(write)(file, parts[0].iov_base, (parts[0].iov_len + 1) / 2);
            die();
        }
        return offset < 0 ? REAL(writev)(file, parts, count) : REAL(pwritev)(file, parts, count, offset);
    }
    if (fault == ENOSPC_WRITE)
        dawdle();
    pthread_mutex_lock(&one_at_a_time);
    count_call();
    writes++;
    if (fault == ENOSPC_WRITE && writes >= fault_at) {
        pthread_mutex_unlock(&one_at_a_time);
        errno = ENOSPC;
        return -1;
    }
    size_t length = 0;
    for (int i = 0; i < count; i++)
        length += parts[i].iov_len;
    before_write(file, path, offset, length);
    if (fault == TORN_WRITE && writes == fault_at) {
        size_t half = (parts[0].iov_len + 1) / 2;
        done = offset < 0 ? REAL(write)(file, parts[0].iov_base, half) : REAL(pwrite)(file, parts[0].iov_base, half, offset);
        die();
    }
    done = offset < 0 ? REAL(writev)(file, parts, count) : REAL(pwritev)(file, parts, count, offset);
    pthread_mutex_unlock(&one_at_a_time);
    return done;
}

ssize_t write(int file, const void *octets, size_t length) {
    struct iovec part = {(void *)octets, length};
    return written(file, &part, 1, -1);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    return written(file, parts, count, -1);
}

ssize_t pwrite(int file, const void *octets, size_t length, off_t offset) {
    struct iovec part = {(void *)octets, length};
    return written(file, &part, 1, offset);
}

ssize_t pwrite64(int file, const void *octets, size_t length, off64_t offset) {
    return pwrite(file, octets, length, offset);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) {
    return written(file, parts, count, offset);
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t offset) {
    return written(file, parts, count, offset);
}

ssize_t send(int file, const void *octets, size_t length, int flags) {
    if (in_reply && is_tcp(file)) {
        REAL(send)(file, octets, (length + 1) / 2, flags);
        die();
    }
    return REAL(send)(file, octets, length, flags);
}

static int synced(int file, int (*sync)(int)) {
    char path[4096];
    int outcome = -1;
    if (!is_ours(file, path))
        return sync(file);
    pthread_mutex_lock(&one_at_a_time);
    count_call();
    if (at_sync == KILL)
        die();
    if (at_sync == POWER_CUT)
        cut_power();
    if (log_file >= 0)
        dprintf(log_file, "sync %s\n", path);
    if (++syncs == fault_at && fault == EIO_SYNC) {
        forget_file(file, path);
        errno = EIO;
    } else if ((outcome = sync(file)) == 0) {
        after_sync(file, path);
    }
    pthread_mutex_unlock(&one_at_a_time);
    return outcome;
}

int fsync(int file) {
    return synced(file, REAL(fsync));
}

int fdatasync(int file) {
    return synced(file, REAL(fdatasync));
}

static int shortened(int file, off_t length) {
    char path[4096];
    if (!is_ours(file, path))
        return REAL(ftruncate)(file, length);
    pthread_mutex_lock(&one_at_a_time);
    count_call();
    before_length(path, length);
    int outcome = REAL(ftruncate)(file, length);
    pthread_mutex_unlock(&one_at_a_time);
    return outcome;
}

int ftruncate(int file, off_t length) {
    return shortened(file, length);
}

int ftruncate64(int file, off64_t length) {
    return shortened(file, length);
}

int rename(const char *from, const char *to) {
    if (!is_below(to))
        return REAL(rename)(from, to);
    pthread_mutex_lock(&one_at_a_time);
    count_call();
    if (at_rename)
        die();
    before_rename(from, to);
    int outcome = REAL(rename)(from, to);
    pthread_mutex_unlock(&one_at_a_time);
    return outcome;
}

int unlink(const char *path) {
    if (!is_below(path))
        return REAL(unlink)(path);
    pthread_mutex_lock(&one_at_a_time);
    count_call();
    before_unlink(path);
    int outcome = REAL(unlink)(path);
    pthread_mutex_unlock(&one_at_a_time);
    return outcome;
}

/* A second name is lost like a new one. */
int linkat(int from_at, const char *from, int to_at, const char *to, int flags) {
    if (!is_below(to))
        return REAL(linkat)(from_at, from, to_at, to, flags);
    pthread_mutex_lock(&one_at_a_time);
    count_call();
    int outcome = REAL(linkat)(from_at, from, to_at, to, flags);
    if (outcome == 0)
        after_create(to);
    pthread_mutex_unlock(&one_at_a_time);
    return outcome;
}

int link(const char *from, const char *to) {
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int mkdir(const char *path, mode_t mode) {
    if (is_below(path)) {
        pthread_mutex_lock(&one_at_a_time);
        count_call();
        pthread_mutex_unlock(&one_at_a_time);
    }
    return REAL(mkdir)(path, mode);
}

int unlinkat(int at, const char *path, int flags) {
    char directory_path[4096];
    if (path[0] == '/' ? is_below(path) : at >= 0 && is_ours(at, directory_path)) {
        pthread_mutex_lock(&one_at_a_time);
        count_call();
        pthread_mutex_unlock(&one_at_a_time);
    }
    return REAL(unlinkat)(at, path, flags);
}
