/* What a power cut takes: see memory.c. The caller holds the lock of shim.c. */
#include <sys/types.h>

void remember_until_synced(const char *power, const char *seed, const char *aside);
void before_write(int file, const char *path, off_t offset, size_t length);
void before_length(const char *path, off_t length);
void before_rename(const char *from, const char *to);
void before_unlink(const char *path);
void after_create(const char *path);
void after_sync(int file, const char *path);
/* A sync of this file failed: what it should have synced is gone, as after a write error of the disk. */
void forget_file(int file, const char *path);
/* The power is gone. */
void forget_what_was_not_synced(void);
