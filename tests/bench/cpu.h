/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BENCH_CPU_H
#define GW_BENCH_CPU_H

/*
 * What processes have cost, and which processor the load stays on.
 */

#include <stddef.h>
#include <stdint.h>

uint64_t monotonic_ns(void);
/* Nanoseconds that the threads of the processes have had on a processor. Ends the program when one is gone. */
uint64_t cpu_ns_of(const long *pids, size_t count);
/* Stays on that one; -1: any. */
void stay_on(int cpu);

#endif
