/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_FAULTS_LOST_H
#define GW_FAULTS_LOST_H

/*
 * Files whose writes stay in memory until the file is synced. Reads of this
 * process see them; the file gets them at the sync. When the power fails, what is
 * left of the others depends on GW_FAULTS_LOSE:
 *
 *   all      nothing
 *   prefix   they reach the disk in the order in which they were made, up to a random point, over all files together
 *   sectors  each sector of 512 bytes does or doesn't, by itself
 *
 * A new name (a file made, or renamed) is kept by a sync of its folder only, whatever was synced of the file; else it
 * is taken back, the newest first: all of them, or those behind a random point. A sync that was made to fail dooms what
 * it should have written: this process still reads it, and no later sync brings it to the disk.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "engine.h"

struct faults_file; /* one per inode; lives until the process ends */

/* The file behind a descriptor, the file at a path; NULL when it isn't a regular one. */
struct faults_file *faults_file_of_fd(int fd);
struct faults_file *faults_file_of_path(const char *path);

/* As pread, write at a place, ftruncate and fdatasync are, on what the process believes to be in the file. */
ssize_t faults_file_read(struct faults_file *file, void *bytes, size_t length, off_t at);
void faults_file_write(struct faults_file *file, const void *bytes, size_t length, off_t at);
void faults_file_truncate(struct faults_file *file, off_t length);
off_t faults_file_size(struct faults_file *file);
/* 0, or an errno. With `fails` it does nothing but doom. */
int faults_file_sync(struct faults_file *file, bool fails);

/* A name that is new and not yet kept. */
void faults_names_made(const char *path);
void faults_names_renamed(const char *from, const char *to);
/* Keeps the names in a folder. */
void faults_names_keep_fd(int folder);
void faults_names_keep_beside(const char *path);

/* Ends the process. */
void faults_lose_power(void);

#endif
