#include "cl_inherited.h"
#include "cl_process.h"
#include "cl_wait.h"
#include <errno.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

/* /proc counts the time since the boot in these, mostly of 10 ms. */
static unsigned long long now_ticks(void) {
    struct timespec now;
    unsigned long long each_second = (unsigned long long)sysconf(_SC_CLK_TCK);
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (unsigned long long)now.tv_sec * each_second
        + (unsigned long long)now.tv_nsec * each_second / 1000000000ull;
}

/* Counts the table entries that are marked as our descendants. */
static void mark(struct cl_process_table *table) {
    struct cl_process *self = cl_find_process(table, getpid());
    if (self == NULL) return;
    self->mark = 1;
    bool changed;
    do {
        changed = false;
        for (size_t index = 0; index < table->count; index++) {
            struct cl_process *process = &table->items[index];
            const struct cl_process *parent = cl_find_process(table, process->parent);
            if (process->mark != 0 || parent == NULL || parent->mark == 0) continue;
            process->mark = 1;
            changed = true;
        }
    } while (changed);
}

int cl_inherited_take(struct cl_inherited *inherited) {
    struct cl_process_table table = {0};
    unsigned long long since = now_ticks();
    inherited->count = 0;
    /* Usually we have no children, which one call shows. */
    inherited->is_somebody = cl_any_child() != 0; /* unknown: there may be one */
    int proc = inherited->is_somebody ? cl_open_proc() : -1;
    if (proc < 0) {
        if (inherited->is_somebody && !cl_has_no_proc(errno)) return -1;
        inherited->since = since;
        return 0;
    }
    int result = cl_read_processes(proc, &table, NULL, NULL), code = errno;
    if (result == 0) mark(&table);
    for (size_t index = 0; result == 0 && index < table.count; index++) {
        const struct cl_process *process = &table.items[index];
        if (process->mark == 0 || process->pid == getpid()) continue;
        if (process->parent != getpid() && process->started < since) continue;
        if (inherited->count == CL_INHERITED) break; /* full: the others are recognised by start time */
        inherited->listed[inherited->count++] =
            (struct cl_started){process->pid, process->started};
    }
    if (result == 0) __atomic_store_n(&inherited->since, since, __ATOMIC_SEQ_CST);
    cl_free_processes(&table);
    close(proc);
    errno = code;
    return result;
}

int cl_is_listed(const struct cl_inherited *inherited, pid_t pid, unsigned long long started) {
    if (inherited == NULL || inherited->since == 0) return 0;
    for (int index = 0; index < inherited->count; index++) {
        const struct cl_started *one = &inherited->listed[index];
        if (one->pid == pid && one->ticks == started) return 1;
    }
    return 0;
}

int cl_was_before(const struct cl_inherited *inherited, pid_t pid, unsigned long long started) {
    if (inherited == NULL || inherited->since == 0) return 0;
    return started < inherited->since || cl_is_listed(inherited, pid, started);
}
