/* Preloaded into a server by test_faults.py: makes the disk fail. While the file `fsync` exists in the directory that
   TENURE_FAULTS names, nothing can be synced; while `full` exists there, no database file can grow or be written. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int armed(const char *fault)
{
    const char *directory = getenv("TENURE_FAULTS");
    char path[4096];
    if (!directory)
        return 0;
    snprintf(path, sizeof path, "%s/%s", directory, fault);
    return access(path, F_OK) == 0;
}

static int is_database(int file)
{
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length < 0)
        return 0;
    name[length] = 0;
    return strstr(name, "tenure.db") != NULL;
}

static int is_full(int file)
{
    int before = errno;
    int full = is_database(file) && armed("full");
    errno = full ? ENOSPC : before;
    return full;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *bytes, size_t count)
{
    return is_full(file) ? -1 : REAL(write)(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at)
{
    return is_full(file) ? -1 : REAL(pwrite)(file, bytes, count, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at)
{
    return is_full(file) ? -1 : REAL(pwrite64)(file, bytes, count, at);
}

static int sync_fails(int file)
{
    if (!is_database(file) || !armed("fsync"))
        return 0;
    errno = EIO;
    return 1;
}

int fsync(int file)
{
    return sync_fails(file) ? -1 : REAL(fsync)(file);
}

int fdatasync(int file)
{
    return sync_fails(file) ? -1 : REAL(fdatasync)(file);
}
