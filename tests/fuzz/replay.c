/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for libFuzzer in ordinary builds: feeds every file of the folders
 * named as arguments to the fuzz driver it is linked with. The first folder is
 * the corpus and must hold at least one file; the others (past crashes) may be
 * empty or absent. Folders are not searched deeper.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/gw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_file(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

/* new: the file's bytes, exactly as long as the file so that sanitizers see a read past its end. */
static uint8_t *read_whole(const char *path, size_t *size)
{
    uint8_t *bytes = NULL;
    FILE *file = fopen(path, "rb");
    long length = -1;

    if (file != NULL && fseek(file, 0, SEEK_END) == 0)
        length = ftell(file);
    if (length >= 0 && fseek(file, 0, SEEK_SET) == 0) {
        bytes = gw_alloc((size_t)length);
        *size = fread(bytes, 1, (size_t)length, file);
    }
    if (file != NULL)
        (void)fclose(file);
    if (bytes == NULL || *size != (size_t)length) {
        (void)fprintf(stderr, "replay: can't read %s\n", path);
        exit(1);
    }
    return bytes;
}

static void feed(const char *path)
{
    size_t size = 0;
    uint8_t *bytes = read_whole(path, &size);

    (void)LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
}

static size_t feed_folder(const char *folder)
{
    DIR *listing = opendir(folder);
    struct dirent *entry;
    char path[4096];
    size_t count = 0;

    if (listing == NULL)
        return 0;
    while ((entry = readdir(listing)) != NULL) {
        int length = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);

        if (length < 0 || (size_t)length >= sizeof(path) || !is_file(path))
            continue;
        feed(path);
        count++;
    }
    (void)closedir(listing);
    return count;
}

int main(int argc, char **argv)
{
    size_t total = 0;

    for (int i = 1; i < argc; i++) {
        size_t count = feed_folder(argv[i]);

        if (i == 1 && count == 0) {
            (void)fprintf(stderr, "replay: no file in %s\n", argv[i]);
            return 1;
        }
        total += count;
    }
    printf("%zu inputs replayed\n", total);
    return total > 0 ? 0 : 1;
}
