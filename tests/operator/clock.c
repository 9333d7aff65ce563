/* Stands before the C library and sets the wall clock of one process by as many seconds as a file says. Time that passes is not
 * touched: the monotonic clock is the machine's. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int outcome = real(clock, time);
    const char *name = getenv("CLOCK_SHIM_SECONDS");
    FILE *file = outcome == 0 && clock == CLOCK_REALTIME && name ? fopen(name, "re") : NULL;
    long seconds = 0;
    if (file) {
        if (fscanf(file, "%ld", &seconds) == 1)
            time->tv_sec += seconds;
        fclose(file);
    }
    return outcome;
}
