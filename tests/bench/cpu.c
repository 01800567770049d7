/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Costs are the kernel's own account: the first number of each thread's schedstat.
 */
#include "cpu.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t monotonic_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static uint64_t thread_cpu_ns(long pid, const char *thread)
{
    char path[320];
    char text[128];
    uint64_t value = 0;
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%ld/task/%s/schedstat", pid, thread);
    file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fgets(text, sizeof(text), file) != NULL)
        value = strtoull(text, NULL, 10);
    (void)fclose(file);
    return value;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

uint64_t cpu_ns_of(const long *pids, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        char path[64];
        struct dirent *entry;
        DIR *folder;

        (void)snprintf(path, sizeof(path), "/proc/%ld/task", pids[i]);
        folder = opendir(path);
        if (folder == NULL)
            die(path);
        while ((entry = readdir(folder)) != NULL) {
            if (entry->d_name[0] != '.')
                sum += thread_cpu_ns(pids[i], entry->d_name);
        }
        (void)closedir(folder);
    }
    return sum;
}

void stay_on(int cpu)
{
    cpu_set_t set;

    if (cpu < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        die("sched_setaffinity");
}
