#include "cl_children.h"
#include "cl_child.h"
#include "cl_reserve.h"
#include "clinux.h"
#include <string.h>

/* Calls `visit` for each child of one thread, until that says other than 0. The same; NO_THREAD if the
   thread has ended; NO_LIST if the kernel keeps no such lists. */
static int visit_of_thread(
    int tasks, const char *thread, cl_visit_child visit, void *context) {
    char path[40], text[4096];
    char *end = cl_write_number(path, (unsigned long)cl_read_number(thread));
    memcpy(end, "/children", sizeof "/children");
    int file = cl_open_reserved(tasks, path, O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno != ENOENT && errno != ESRCH) return UNKNOWN;
    /* Our first thread has not ended, as it holds the process. */
    if (file < 0) return cl_read_number(thread) == getpid() ? NO_LIST : NO_THREAD;
    ssize_t count = 0;
    pid_t pid = 0;
    int found = 0, unknown = 0;
    while (found != 1 && (count = read(file, text, sizeof text)) != 0) {
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            unknown = errno;
            break;
        }
        for (ssize_t at = 0; at < count && found != 1; at++) {
            if (text[at] >= '0' && text[at] <= '9') {
                pid = pid * 10 + (text[at] - '0');
            } else {
                if (pid > 0) found = visit(context, pid);
                if (found < 0) unknown = errno;
                pid = 0;
            }
        }
    }
    close(file);
    if (found == 1) return 1;
    errno = unknown;
    return unknown == 0 ? 0 : unknown == ESRCH ? NO_THREAD : UNKNOWN;
}

/* One look at the children of all threads. One child that is meant is enough to know; only if there is none
   does it matter what could not be read. */
static int visit_of_threads(int tasks, cl_visit_child visit, void *context) {
    char buffer[2048] __attribute__((aligned(8)));
    int unknown = 0, ended = 0;
    long count;
    while ((count = cl_read_entries(tasks, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < count;) {
            const struct cl_entry *entry = (const struct cl_entry *)(buffer + at);
            at += entry->length;
            if (cl_read_number(entry->name) <= 0) continue;
            int found = visit_of_thread(tasks, entry->name, visit, context);
            if (found == 1 || found == NO_LIST) return found;
            if (found == UNKNOWN) unknown = errno;
            if (found == NO_THREAD) ended = 1;
        }
    }
    if (count < 0) unknown = (int)-count;
    errno = unknown;
    return unknown != 0 ? UNKNOWN : ended ? NO_THREAD : 0;
}

int cl_visit_children(int proc, pid_t parent, cl_visit_child visit, void *context) {
    char path[40];
    char *end = cl_write_number(path, (unsigned long)parent);
    memcpy(end, "/task", sizeof "/task");
    int tasks = cl_open_reserved(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tasks < 0) return cl_tells_nothing(errno) ? UNKNOWN : NO_THREAD;
    int found = visit_of_threads(tasks, visit, context), code = errno;
    close(tasks);
    errno = code;
    return found;
}

/* The long way, for a kernel without lists of children. */
static int scan(int proc, const struct cl_tree *tree, cl_child_is_meant is_meant) {
    struct cl_process_table table = {0};
    int found = cl_read_processes(proc, &table, NULL, NULL);
    for (size_t index = 0; index < table.count && found == 0; index++) {
        const struct cl_process *process = &table.items[index];
        if (process->parent == getpid()) found = is_meant(tree, proc, process->pid);
    }
    int code = errno;
    cl_free_processes(&table);
    errno = code;
    return found;
}

struct question {
    const struct cl_tree *tree;
    int proc;
    cl_child_is_meant is_meant;
};

static int ask(void *context, pid_t pid) {
    const struct question *question = context;
    return question->is_meant(question->tree, question->proc, pid);
}

int cl_any_listed_child(int proc, const struct cl_tree *tree, cl_child_is_meant is_meant) {
    /* A child is in the list of the thread that made it; orphans come to any thread of ours. The children of a
       thread that ends meanwhile move to one whose list was perhaps read already. */
    enum { LOOKS = 8 };
    struct question question = {tree, proc, is_meant};
    int found = NO_THREAD;
    for (int look = 0; found == NO_THREAD && look < LOOKS; look++) {
        found = cl_visit_children(proc, getpid(), ask, &question);
        if (found == NO_THREAD) errno = EAGAIN;
    }
    if (found == NO_LIST) return scan(proc, tree, is_meant);
    return found < 0 ? -1 : found;
}
