/*
 * Writes a line and makes it durable, or believes so, and then has the power cut: what the shim itself is tested with.
 *   writer FILE none | range | data | all | rename
 * `range` is what sled's own flush does: sync_file_range, which promises nothing at a power cut.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **arguments) {
    char aside[4096];
    const char *how = count == 3 ? arguments[2] : "";
    int file = open(arguments[1], O_RDWR | O_CREAT, 0600);
    if (pwrite(file, "new", 3, 0) != 3)
        return 1;
    if (strcmp(how, "range") == 0)
        sync_file_range(file, 0, 3, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    if (strcmp(how, "data") == 0 && fdatasync(file) != 0)
        return 2;
    if (strcmp(how, "all") == 0 && fsync(file) != 0)
        return 3;
    if (strcmp(how, "rename") == 0) {
        snprintf(aside, sizeof aside, "%s.new", arguments[1]);
        int other = open(aside, O_RDWR | O_CREAT, 0600);
        if (write(other, "other", 5) != 5 || fsync(other) != 0 || rename(aside, arguments[1]) != 0)
            return 4;
    }
    open("/crash-shim/power-cut", O_RDONLY);
    return 5;
}
