/*
 * A disk with a volatile cache: a FUSE file system with one file, "disk", whose writes stay in this process until they are
 * flushed. A loop device on that file turns the flushes of the file system above it into fsync here; so whatever ext4 did
 * not flush is gone when the power is cut. For the long form of the crash harness; needs root and libfuse3.
 *
 *   device BACKING SEED MOUNTPOINT -f -s
 *
 * Writing to the file "power" cuts the power: 0 loses every block that was not flushed, anything else loses some of them, in
 * any order. From then on nothing can be written.
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 4096

static int backing, dead;
static off_t size;
static char **cache; /* by block: its newest content, or nothing when it is on the disk */
static uint64_t state;

static uint64_t draw(uint64_t below) {
    state += 0x9E3779B97F4A7C15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return (z ^ (z >> 31)) % below;
}

static int is_disk(const char *path) {
    return strcmp(path, "/disk") == 0;
}

static int attributes(const char *path, struct stat *found, struct fuse_file_info *file) {
    (void)file;
    memset(found, 0, sizeof *found);
    found->st_nlink = 1;
    if (strcmp(path, "/") == 0) {
        found->st_mode = S_IFDIR | 0700;
    } else if (is_disk(path)) {
        found->st_mode = S_IFREG | 0600;
        found->st_size = size;
    } else if (strcmp(path, "/power") == 0) {
        found->st_mode = S_IFREG | 0600;
    } else {
        return -ENOENT;
    }
    return 0;
}

static int opened(const char *path, struct fuse_file_info *file) {
    (void)path, (void)file;
    return 0;
}

static int truncated(const char *path, off_t length, struct fuse_file_info *file) {
    (void)length, (void)file;
    return is_disk(path) ? -EPERM : 0;
}

static int read_some(const char *path, char *octets, size_t length, off_t offset, struct fuse_file_info *file) {
    (void)file;
    if (!is_disk(path) || offset >= size)
        return 0;
    if (offset + (off_t)length > size)
        length = (size_t)(size - offset);
    for (size_t done = 0; done < length;) {
        off_t at = offset + (off_t)done;
        size_t within = (size_t)(at % BLOCK), part = BLOCK - within;
        part = part < length - done ? part : length - done;
        if (cache[at / BLOCK] != NULL)
            memcpy(octets + done, cache[at / BLOCK] + within, part);
        else if (pread(backing, octets + done, part, at) != (ssize_t)part)
            return -EIO;
        done += part;
    }
    return (int)length;
}

static int put(off_t block) {
    int done = pwrite(backing, cache[block], BLOCK, block * BLOCK) == BLOCK;
    free(cache[block]);
    cache[block] = NULL;
    return done ? 0 : -EIO;
}

static void cut_power(int how) {
    for (off_t block = 0; block < size / BLOCK; block++) {
        if (cache[block] != NULL && how != 0 && draw(2) == 0)
            put(block);
        free(cache[block]);
        cache[block] = NULL;
    }
    dead = 1;
}

static int write_some(const char *path, const char *octets, size_t length, off_t offset, struct fuse_file_info *file) {
    (void)file;
    if (!is_disk(path)) {
        cut_power(length > 0 && octets[0] == '0' ? 0 : 1);
        return (int)length;
    }
    if (dead || offset + (off_t)length > size)
        return -EIO;
    for (size_t done = 0; done < length;) {
        off_t at = offset + (off_t)done, block = at / BLOCK;
        size_t within = (size_t)(at % BLOCK), part = BLOCK - within;
        part = part < length - done ? part : length - done;
        if (cache[block] == NULL) {
            cache[block] = malloc(BLOCK);
            if (cache[block] == NULL || pread(backing, cache[block], BLOCK, block * BLOCK) != BLOCK)
                return -EIO;
        }
        memcpy(cache[block] + within, octets + done, part);
        done += part;
    }
    return (int)length;
}

static int flushed(const char *path, int only_data, struct fuse_file_info *file) {
    (void)path, (void)only_data, (void)file;
    for (off_t block = 0; block < size / BLOCK; block++)
        if (cache[block] != NULL && put(block) != 0)
            return -EIO;
    return dead ? -EIO : 0;
}

static const struct fuse_operations operations = {
    .getattr = attributes, .open = opened, .read = read_some, .write = write_some, .fsync = flushed, .truncate = truncated,
};

int main(int count, char **arguments) {
    struct stat found;
    if (count < 4 || (backing = open(arguments[1], O_RDWR | O_CLOEXEC)) < 0 || fstat(backing, &found) != 0)
        return 2;
    size = found.st_size;
    state = strtoull(arguments[2], NULL, 10);
    cache = calloc((size_t)(size / BLOCK), sizeof *cache);
    arguments[2] = arguments[0];
    return fuse_main(count - 2, arguments + 2, &operations, NULL);
}
