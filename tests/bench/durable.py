# SPDX-License-Identifier: Apache-2.0
"""The rows of the durable store: creates that wait for the disk against such that don't, syncs, readers beside writers, and
what a million entries cost. Everything is written below the lab's folder."""
import contextlib
import os
import statistics
import time

import servers

CONNECTIONS = 64
CREATED = 'eksgate_requests_total{operation="CreateAccessEntry",status="200"}'


def show_disk(lab):
    where, median, slow = lab.disk()
    print(f"  disk: {where}; a block and its fdatasync: median {median:.0f} us, p99 {slow:.0f} us", flush=True)


def durable_configuration(lab, name, **options):
    return lab.configuration(durable=True, file=name, **options)


def create(lab, server, prefix, seconds):
    """Typical creates with a token each, more of them than can be answered in that time."""
    return lab.load(server, "create", connections=CONNECTIONS, typical=1, prefix=prefix, seconds=seconds,
                    requests=int(45000 * (seconds + 0.5)))


def fill(lab, server, prefix, entries):
    """Makes the entries PREFIX-0, PREFIX-1, ... in parts that the load generator's memory can hold."""
    for first in range(0, entries, 100000):
        lab.load(server, "create", connections=256, typical=1, prefix=prefix, first=first,
                 requests=min(100000, entries - first), seconds=600, warmup=0)


def per_second(result):
    if result["exhausted"]:
        raise servers.Failed("the load generator ran out of requests")
    return result["requests"] / result["seconds"]


def syncs(metrics):
    """Of both files: the store's log once per transaction, and three for what a checkpoint needs at most (the log before
    it, the database after it, the log's new head)."""
    return (metrics["eksgate_audit_syncs_total"] + metrics["eksgate_store_transactions_total"]
            + 3 * metrics["eksgate_store_checkpoints_total"])


def throughput(lab, table, rounds, seconds):
    """Gives the median of creates per second with the disk."""
    pairs, counted, created = [], 0, 0
    with lab.serving(durable_configuration(lab, "throughput.db")) as disk, \
            lab.serving(lab.configuration()) as memory:
        for number in range(rounds):
            before = lab.metrics(disk)
            mine = create(lab, disk, f"a-{number}", seconds)
            after = lab.metrics(disk)
            theirs = create(lab, memory, f"a-{number}", seconds)
            pairs.append((per_second(mine), per_second(theirs)))
            synced, made = syncs(after) - syncs(before), after[CREATED] - before.get(CREATED, 0)
            counted, created = counted + synced, created + made
            print(f"  creates round {number + 1}: disk {pairs[-1][0]:.0f}/s ({mine['cpu_ns_per_request'] / 1000:.1f} us CPU, "
                  f"p50 {mine['p50_us']} us, p99 {mine['p99_us']} us), memory {pairs[-1][1]:.0f}/s "
                  f"({theirs['cpu_ns_per_request'] / 1000:.1f} us CPU, p50 {theirs['p50_us']} us), "
                  f"{synced / made:.3f} syncs each", flush=True)
    table.add(f"durable, audited creates per second, {CONNECTIONS} connections / memory, audit not durable",
              100 * statistics.median(a / b for a, b in pairs), 50, "%", True)
    best = statistics.median(a for a, _ in pairs)
    table.inform("  durable, memory (median)", f"{best:.0f}/s, {statistics.median(b for _, b in pairs):.0f}/s")
    table.add("syncs of both files per such create", counted / created, 0.15, "syncs")
    return best


def slow_callbacks(before, after):
    """Callbacks longer than a millisecond that weren't so because of other processes; and those that were."""
    def of(cause):
        name = f'eksgate_loop_callbacks_slow_total{{cause="{cause}"}}'
        return after[name] - before[name]

    return of("work") + of("wait"), of("preempted")


def beside(lab, table, rounds, seconds, rate):
    """Describes a thousand times a second while creates come at `rate`."""
    p99, quiet, slow, preempted = [], [], 0, 0
    with lab.serving(durable_configuration(lab, "beside.db")) as server:
        fill(lab, server, "there", 10000)
        for number in range(rounds):
            before = lab.metrics(server)
            result = lab.lanes(server, {"kind": "describe", "connections": 16, "rate": 1000, "requests": 10000,
                                        "prefix": "there", "entries": 10000, "seconds": 2 * seconds},
                               {"kind": "create", "connections": CONNECTIONS, "rate": f"{rate:.0f}", "typical": 1,
                                "prefix": f"b-{number}", "requests": int(rate * (2 * seconds + 1))})
            own, others = slow_callbacks(before, lab.metrics(server))
            made = result["lanes"][0]
            p99.append(result["p99_us"] / 1000)
            quiet.append(result["quiet_p99_us"] / 1000)
            slow, preempted = slow + own, preempted + others
            print(f"  describes beside creates round {number + 1}: p50 {result['p50_us']} us, p99 {result['p99_us']} us, "
                  f"p99.9 {result['p999_us']} us; {made['requests'] / made['seconds']:.0f} creates/s, p50 {made['p50_us']} us, "
                  f"p99 {made['p99_us']} us; callbacks above 1 ms: {own:.0f} own, {others:.0f} preempted; the machine stood "
                  f"still {result['stalls']} times, {result['stalled_ms']:.0f} ms, without that p99 {result['quiet_p99_us']} us",
                  flush=True)
        longest = lab.metrics(server)
    table.add("p99 of Describe while creates run at half their maximum", statistics.median(p99), 2, "ms")
    table.inform("  of those without a stall of the machine (what the load generator saw on its own CPU)",
                 f"{statistics.median(quiet):.2f} ms")
    table.add("loop callbacks above 1 ms meanwhile, of their own work or waiting", slow, 0, "callbacks")
    shown = ", ".join(f'{cause} {1000 * longest[name]:.2f} ms' for cause in ("work", "wait", "preempted")
                      for name in [f'eksgate_loop_callback_longest_seconds{{cause="{cause}"}}'])
    table.inform("  preempted ones; the longest since the start", f"{preempted:.0f}; {shown}")


def durable(lab, table, rounds, seconds):
    show_disk(lab)
    best = throughput(lab, table, rounds, seconds)
    beside(lab, table, rounds, seconds, best / 2)


def settle(server):
    time.sleep(0.5)
    return servers.memory_of(server.process.pid)["RssAnon"]


def scale(lab, table, rounds, seconds, entries=1000000):
    """A file of many entries against one of ten thousand: start, memory, and a describe of any of them."""
    show_disk(lab)
    sizes = {"few": 10000, "many": entries}
    files = {name: durable_configuration(lab, f"{name}.db") for name in sizes}
    for name, count in sizes.items():
        began = time.monotonic()
        with lab.serving(lab.configuration(audit=False, file=f"{name}.db")) as server: # their records would be gigabytes
            fill(lab, server, "seed", count)
        size = os.path.getsize(lab.path(f"{name}.db")) / count
        print(f"  seeded {count} entries in {time.monotonic() - began:.0f} s, {size:.0f} bytes of database each", flush=True)
    with lab.serving(durable_configuration(lab, "none.db")) as server:
        nothing = settle(server)
    starts, stops = [], []
    for _ in range(3):
        with lab.serving(files["many"]) as server:
            starts.append(server.started_s)
            each = (settle(server) - nothing) / entries
            began = time.monotonic()
        stops.append(time.monotonic() - began)
    with contextlib.ExitStack() as stack:
        running = {name: stack.enter_context(lab.serving(files[name])) for name in sizes}
        pairs = []
        for number in range(rounds):
            results = {name: lab.load(running[name], "describe", prefix="seed", entries=count, requests=100000,
                                      seconds=seconds) for name, count in sizes.items()}
            pairs.append(tuple(results[name]["cpu_ns_per_request"] / 1000 for name in ("many", "few")))
            print(f"  describe of any round {number + 1}: " + "; ".join(
                f"{sizes[name]}: {result['cpu_ns_per_request'] / 1000:.2f} us, p50 {result['p50_us']} us, p99 "
                f"{result['p99_us']} us" for name, result in results.items()), flush=True)
    table.add(f"memory per entry with 4 tags and its token, {entries} of them", each, 1.25, "KiB")
    table.add(f"start with {entries} entries (median of 3)", statistics.median(starts), 4, "s")
    table.inform("  stop (median)", f"{statistics.median(stops):.2f} s")
    table.add(f"CPU per Describe of any of {entries} / of {sizes['few']}", statistics.median(a / b for a, b in pairs), 1.25,
              "x")
    table.inform("  many, few (median)", f"{statistics.median(a for a, _ in pairs):.2f} us, "
                 f"{statistics.median(b for _, b in pairs):.2f} us")
