/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_DIES_H
#define GW_TEST_DIES_H

/*
 * Asks whether a call ends the program: runs it in a child process whose stderr is
 * thrown away. That is an abort, or under a sanitizer its own way out (it stops an
 * allocation that can't be before we see it).
 */

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static inline bool dies(void (*call)(void))
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        struct rlimit none = {0, 0};
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

        (void)setrlimit(RLIMIT_CORE, &none);
        if (nowhere >= 0)
            (void)dup2(nowhere, STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        call();
        _exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child &&
           (WIFSIGNALED(status) ? WTERMSIG(status) == SIGABRT : WEXITSTATUS(status) != 0);
}

#endif
