/*
 * What was written since the last sync of its file, and how to take it back: the part of the shim that cuts the power.
 *
 * Each sector of 512 octets is on the disk as it was after some of the writes to it that came since the last sync, perhaps
 * none, whatever the sectors around it do; a file's length likewise. Names (creations, renames, removals) are durable once their directory was synced; those that were not
 * are lost from some moment on, as a journal of a file system loses them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define SECTOR 512
#define LONGEST_TAIL (1 << 20)

/* What stood where something was written: `kept` octets of it, zeros or nothing behind. */
struct piece {
    struct piece *before;
    off_t offset;
    size_t length, kept;
    char octets[];
};

struct file {
    struct file *next;
    dev_t device;
    ino_t number;
    int handle;
    off_t synced_length;
    struct piece *last;
};

struct name {
    struct name *before;
    enum { CREATED, RENAMED, REMOVED } change;
    char *path, *from, *aside;
};

static enum { NEVER, STRICT, RANDOM } power;
static uint64_t state;
static const char *aside_directory;
static struct file *files;
static struct name *names;

static uint64_t draw(uint64_t below) {
    state += 0x9E3779B97F4A7C15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return (z ^ (z >> 31)) % below;
}

void remember_until_synced(const char *told, const char *seed, const char *aside) {
    power = told == NULL ? NEVER : strcmp(told, "strict") == 0 ? STRICT : RANDOM;
    state = seed == NULL ? 1 : strtoull(seed, NULL, 10);
    aside_directory = aside;
}

/* Finds what is remembered of a file, and begins to remember. */
static struct file *memory_of(const char *path, struct stat *now) {
    struct file *one;
    if (power == NEVER || stat(path, now) != 0 || !S_ISREG(now->st_mode))
        return NULL;
    for (one = files; one != NULL; one = one->next)
        if (one->device == now->st_dev && one->number == now->st_ino)
            return one;
    one = calloc(1, sizeof *one);
    *one = (struct file){files, now->st_dev, now->st_ino, REAL(open)(path, O_RDWR | O_CLOEXEC), now->st_size, NULL};
    return files = one;
}

static void remember(struct file *file, off_t offset, size_t length, off_t file_length) {
    size_t there = offset >= file_length ? 0 : (size_t)(file_length - offset);
    size_t kept = there < length ? there : length;
    kept = kept < LONGEST_TAIL ? kept : LONGEST_TAIL;
    length = length < LONGEST_TAIL ? length : LONGEST_TAIL;
    struct piece *piece = malloc(sizeof *piece + kept);
    ssize_t read = pread(file->handle, piece->octets, kept, offset);
    *piece = (struct piece){file->last, offset, length, read < 0 ? 0 : (size_t)read};
    file->last = piece;
}

void before_write(int handle, const char *path, off_t offset, size_t length) {
    struct stat now;
    struct file *file = memory_of(path, &now);
    if (file == NULL)
        return;
    if (offset < 0)
        offset = fcntl(handle, F_GETFL) & O_APPEND ? now.st_size : lseek(handle, 0, SEEK_CUR);
    remember(file, offset, length, now.st_size);
}

void before_length(const char *path, off_t length) {
    struct stat now;
    struct file *file = memory_of(path, &now);
    if (file != NULL && length < now.st_size)
        remember(file, length, (size_t)(now.st_size - length), now.st_size);
}

static void forget_pieces(struct file *file) {
    while (file->last != NULL) {
        struct piece *piece = file->last;
        file->last = piece->before;
        free(piece);
    }
}

static int stands_in(const char *path, const char *directory) {
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && path[length] == '/' && strchr(path + length + 1, '/') == NULL;
}

void after_sync(int handle, const char *path) {
    struct stat now;
    if (power == NEVER || fstat(handle, &now) != 0)
        return;
    if (S_ISDIR(now.st_mode)) {
        for (struct name **place = &names; *place != NULL;) {
            struct name *one = *place;
            if (stands_in(one->path, path)) {
                if (one->aside != NULL)
                    REAL(unlink)(one->aside);
                *place = one->before;
                free(one);
            } else {
                place = &one->before;
            }
        }
        return;
    }
    struct file *file = memory_of(path, &now);
    if (file != NULL) {
        forget_pieces(file);
        file->synced_length = now.st_size;
    }
}

static struct name *remember_name(int change, const char *path, const char *from) {
    struct name *one = calloc(1, sizeof *one);
    *one = (struct name){names, change, strdup(path), from == NULL ? NULL : strdup(from), NULL};
    return names = one;
}

/* Keeps what a name stands for, so that it can be brought back. */
static void put_aside(struct name *one) {
    static int count;
    char aside[4096];
    snprintf(aside, sizeof aside, "%s/%d.%d", aside_directory, getpid(), count++);
    if (link(one->path, aside) == 0)
        one->aside = strdup(aside);
}

void after_create(const char *path) {
    if (power != NEVER)
        remember_name(CREATED, path, NULL);
}

void before_rename(const char *from, const char *to) {
    if (power != NEVER)
        put_aside(remember_name(RENAMED, to, from));
}

void before_unlink(const char *path) {
    if (power != NEVER)
        put_aside(remember_name(REMOVED, path, NULL));
}

static void take_back_name(const struct name *one) {
    if (one->change == CREATED)
        REAL(unlink)(one->path);
    if (one->change == RENAMED)
        REAL(rename)(one->path, one->from);
    if (one->aside != NULL)
        REAL(rename)(one->aside, one->path);
}

/* Draws after how many of its writes a sector was put on the disk for the last time: what came later is lost in it. */
static uint64_t writes_kept(uint64_t draws, off_t sector, uint64_t count) {
    state = draws ^ (uint64_t)sector * 0xA0761D6478BD642F;
    return draw(count + 1);
}

/* Puts back what stood in one sector before a write; zeros where nothing stood. */
static void take_back(const struct file *file, const struct piece *piece, off_t sector) {
    char octets[SECTOR] = {0};
    off_t begin = sector * SECTOR, end = begin + SECTOR;
    begin = begin < piece->offset ? piece->offset : begin;
    end = end > piece->offset + (off_t)piece->length ? piece->offset + (off_t)piece->length : end;
    size_t from = (size_t)(begin - piece->offset), length = (size_t)(end - begin);
    if (from < piece->kept)
        memcpy(octets, piece->octets + from, from + length < piece->kept ? length : piece->kept - from);
    REAL(pwrite)(file->handle, octets, length, begin);
}

static void take_back_file(struct file *file, int strict) {
    struct stat now;
    uint64_t count = 0, number, draws = draw(UINT64_MAX);
    for (struct piece *piece = file->last; piece != NULL; piece = piece->before)
        count++;
    number = count;
    for (struct piece *piece = file->last; piece != NULL; piece = piece->before) {
        number--;
        off_t last = (piece->offset + (off_t)piece->length - 1) / SECTOR;
        for (off_t sector = piece->offset / SECTOR; sector <= last && piece->length > 0; sector++)
            if (strict || number >= writes_kept(draws, sector, count))
                take_back(file, piece, sector);
    }
    state = draws;
    if (file->last == NULL || fstat(file->handle, &now) != 0)
        return;
    off_t grown = now.st_size - file->synced_length;
    if (strict || grown < 0)
        REAL(ftruncate)(file->handle, file->synced_length);
    else if (grown > 0 && draw(2) == 0)
        REAL(ftruncate)(file->handle, file->synced_length + (off_t)draw((uint64_t)grown + 1));
}

void forget_file(int handle, const char *path) {
    struct stat now;
    struct file *file = memory_of(path, &now);
    (void)handle;
    if (file != NULL) {
        take_back_file(file, 1);
        forget_pieces(file);
    }
}

void forget_what_was_not_synced(void) {
    int strict = power == STRICT;
    uint64_t count = 0, lost;
    for (struct name *one = names; one != NULL; one = one->before)
        count++;
    lost = strict ? count : draw(count + 1);
    for (struct name *one = names; one != NULL && lost > 0; one = one->before, lost--)
        take_back_name(one);
    for (struct file *file = files; file != NULL; file = file->next)
        take_back_file(file, strict);
}
