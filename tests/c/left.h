/* What a library leaves in its process once it has been unloaded. */
#ifndef LEFT_H
#define LEFT_H

#include "check.h"

#include <dirent.h>
#include <malloc.h>
#include <unistd.h>

struct left {
    int threads, descriptors, mapped;
    long resident_kib, used_kib;
};

static inline int entries(const char *folder) {
    DIR *directory = opendir(folder);
    CHECK(directory != NULL);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static inline struct left look(void) {
    struct left left = {entries("/proc/self/task"), entries("/proc/self/fd"), 0, 0, 0};
    char line[4096];
    long pages = 0, resident = 0;
    malloc_trim(0); /* what is free may go, so that the rest can be compared */
    FILE *file = fopen("/proc/self/maps", "r");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) left.mapped |= strstr(line, "libwebsocket_addin") != NULL;
    fclose(file);
    file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%ld %ld", &pages, &resident) == 2);
    fclose(file);
    left.used_kib = (long)(mallinfo2().uordblks / 1024); /* what is allocated and not freed */
    left.resident_kib = resident * (sysconf(_SC_PAGESIZE) / 1024);
    return left;
}

/* The kernel shows a joined thread for a moment more, the host's own as well as the library's: a second at the most. */
static inline struct left settled(struct left before) {
    struct left after = look();
    for (int tries = 0; after.threads != before.threads && tries < 1000; tries++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        after = look();
    }
    return after;
}

/* Says what is there after a round, and holds it to what was there before the first and, as to memory, after the fifth. */
static inline void compare(int round, struct left before, struct left *warm) {
    struct left after = settled(before);
    printf("round %d: %d threads, %d descriptors, %ld KiB resident, %ld KiB in use\n", round, after.threads,
           after.descriptors, after.resident_kib, after.used_kib);
    fflush(stdout);
    CHECK(!after.mapped && after.threads == before.threads && after.descriptors == before.descriptors);
    if (round == 5) *warm = after;
    if (round <= 5) return;
    /* native-tls keeps the paths of the system's certificates in a static, 1 KiB each time it is loaded. */
    CHECK(after.used_kib <= warm->used_kib + 16 + 3 * (round - 5));
    CHECK(after.resident_kib <= warm->resident_kib + 1024 + 3 * (round - 5));
}

#endif
