#include "cl_process.h"
#include "cl_child.h"
#include "cl_reserve.h"
#include "cl_tree.h"
#include "clinux.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KERNEL_THREAD = 0x00200000 }; /* PF_KTHREAD of the kernel's flags */

/* Whether it is the link of a /proc of our own PID namespace to what it calls us. */
static bool names_us(int directory, const char *link) {
    char name[24];
    ssize_t count = readlinkat(directory, link, name, sizeof name - 1);
    name[count > 0 ? count : 0] = 0;
    return cl_read_number(name) == getpid();
}

int cl_sees_processes(void) { return names_us(AT_FDCWD, "/proc/self"); }

int cl_open_proc(void) {
    int proc = cl_open_reserved(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0) return -1;
    errno = 0;
    if (names_us(proc, "self")) return proc;
    /* No link, or one that names another process: a /proc of another PID namespace, or none. */
    int code = errno == 0 || errno == ENOENT || errno == EINVAL ? ENXIO : errno;
    close(proc);
    errno = code;
    return -1;
}

static int open_of(int proc, pid_t pid, const char *name) {
    char path[64];
    char *end = cl_write_number(path, (unsigned long)pid);
    *end++ = '/';
    strcpy(end, name);
    return cl_open_reserved(proc, path, O_RDONLY | O_CLOEXEC);
}

static ssize_t read_again(int file, void *buffer, size_t size) {
    ssize_t count;
    do count = read(file, buffer, size);
    while (count < 0 && errno == EINTR);
    return count;
}

ssize_t cl_read_text(int proc, pid_t pid, const char *name, char *text, size_t size) {
    size_t filled = 0;
    ssize_t count = 0;
    int file = open_of(proc, pid, name);
    if (file < 0) return -1;
    while (filled < size - 1 && (count = read_again(file, text + filled, size - 1 - filled)) > 0)
        filled += (size_t)count;
    int code = errno;
    close(file);
    errno = code;
    if (count < 0) return -1;
    text[filled] = 0;
    return (ssize_t)filled;
}

/* After EACCES or EPERM: whether a /proc that was mounted with `hidepid` hides this process from
   us, as it is another user's. Root is no exception: it sees others only with CAP_SYS_PTRACE. One
   that is gone meanwhile is hidden, too. */
static bool is_hidden(int proc, pid_t pid) {
    char name[24];
    struct stat found;
    *cl_write_number(name, (unsigned long)pid) = 0;
    if (fstatat(proc, name, &found, 0) != 0) return errno == ENOENT || errno == ESRCH;
    return found.st_uid != geteuid();
}

/* Sets errno to 0 if no process that is meant can be there; otherwise errno says why that cannot be known. */
static bool fails(int proc, pid_t pid) {
    int code = errno;
    bool is_refused = code == EACCES || code == EPERM;
    errno = 0;
    bool says_nothing = is_refused ? !is_hidden(proc, pid) : cl_tells_nothing(code);
    errno = says_nothing ? code : 0;
    return false;
}

/* Of /proc/PID/stat the name, which may hold anything, parentheses too, and the 20 fields behind
   it. */
static bool read_fields(
    int proc, pid_t pid, char *state, unsigned long long fields[20], char *is_guard) {
    char text[1024];
    ssize_t count = cl_read_text(proc, pid, "stat", text, sizeof text);
    if (count < 0) return fails(proc, pid);
    errno = 0;
    if (count == 0) return false;
    const char *at = strrchr(text, ')');
    if (at == NULL || at[1] != ' ' || at[2] == 0) return false;
    static const char name[] = "(" CL_GUARD_NAME;
    const char *open = strchr(text, '(');
    *is_guard = open + sizeof name - 1 == at && memcmp(open, name, sizeof name - 1) == 0;
    *state = at[2];
    at += 3;
    for (int index = 1; index < 20; index++) {
        while (*at == ' ' || *at == '-') at++;
        if (*at < '0' || *at > '9') return false;
        fields[index] = 0;
        for (; *at >= '0' && *at <= '9'; at++)
            fields[index] = fields[index] * 10 + (unsigned)(*at - '0');
    }
    return true;
}

int cl_read_process(int proc, pid_t pid, struct cl_process *process) {
    unsigned long long fields[20];
    char state;
    if (!read_fields(proc, pid, &state, fields, &process->is_guard)) return -1;
    errno = 0;
    if (fields[6] & KERNEL_THREAD || state == 'X') return -1;
    /* A leader that ended before its other threads looks like a zombie, but the process lives. */
    if (state == 'Z' && fields[17] <= 1) return -1;
    process->pid = pid;
    process->state = state;
    process->parent = (pid_t)fields[1];
    process->group = (pid_t)fields[2];
    process->session = (pid_t)fields[3];
    process->started = fields[19];
    process->mark = 0;
    return 0;
}

int cl_process_started(int proc, pid_t pid, unsigned long long *started) {
    unsigned long long fields[20];
    char state, is_guard;
    if (!read_fields(proc, pid, &state, fields, &is_guard)) return errno == 0 ? 0 : -1;
    *started = fields[19];
    return 1;
}

struct cl_process *cl_add_process(struct cl_process_table *table) {
    if (table->count == table->capacity) {
        size_t capacity = table->capacity == 0 ? 1024 : 2 * table->capacity;
        void *items = table->capacity == 0
            ? mmap(NULL, capacity * sizeof *table->items, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            : mremap(table->items, table->capacity * sizeof *table->items,
                     capacity * sizeof *table->items, MREMAP_MAYMOVE);
        if (items == MAP_FAILED) return NULL;
        table->items = items;
        table->capacity = capacity;
    }
    return &table->items[table->count++];
}

int cl_read_processes(
    int proc, struct cl_process_table *table, cl_meanwhile meanwhile, const void *context) {
    char buffer[2048] __attribute__((aligned(8)));
    long count;
    table->count = 0;
    if (lseek(proc, 0, SEEK_SET) != 0) return -1;
    /* The kernel lists them by ascending number. */
    while ((count = cl_read_entries(proc, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < count;) {
            const struct cl_entry *entry = (const struct cl_entry *)(buffer + at);
            struct cl_process process;
            long pid = cl_read_number(entry->name);
            at += entry->length;
            if (pid <= 0) continue;
            if (cl_read_process(proc, (pid_t)pid, &process) != 0) {
                if (errno != 0) return -1;
                continue;
            }
            struct cl_process *place = cl_add_process(table);
            if (place == NULL) return -1;
            *place = process;
        }
        if (meanwhile != NULL) meanwhile(context);
    }
    if (count < 0) errno = (int)-count;
    return count < 0 ? -1 : 0;
}

int cl_hold_process(int proc, const struct cl_process *process) {
    struct cl_process now;
    int pidfd = cl_pidfd_open(process->pid);
    if (pidfd < 0) return -1;
    int result = cl_read_process(proc, process->pid, &now);
    if (result == 0 && now.started == process->started) return pidfd;
    int code = result == 0 || errno == 0 ? ESRCH : errno;
    close(pidfd);
    errno = code;
    return -1;
}

/* By its number, after another look: a sandbox may refuse pidfds, and a kernel not know them. */
static int signal_by_number(int proc, const struct cl_process *process, int signal) {
    struct cl_process now;
    if (cl_read_process(proc, process->pid, &now) != 0) return errno == 0 ? 1 : -1;
    if (now.started != process->started) return 1;
    if (kill(process->pid, signal) == 0) return 0;
    return errno == ESRCH ? 1 : -1;
}

int cl_signal_process(int proc, const struct cl_process *process, int signal) {
    int pidfd = cl_hold_process(proc, process);
    if (pidfd < 0) return errno == ESRCH ? 1 : signal_by_number(proc, process, signal);
    int result = cl_pidfd_send_signal(pidfd, signal), code = errno;
    close(pidfd);
    if (result == 0) return 0;
    return code == ESRCH ? 1 : signal_by_number(proc, process, signal);
}

void cl_free_processes(struct cl_process_table *table) {
    if (table->capacity > 0) munmap(table->items, table->capacity * sizeof *table->items);
    memset(table, 0, sizeof *table);
}

struct cl_process *cl_find_process(const struct cl_process_table *table, pid_t pid) {
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (table->items[middle].pid < pid) low = middle + 1;
        else high = middle;
    }
    return low < table->count && table->items[low].pid == pid ? &table->items[low] : NULL;
}

/* Its group of version 2, of the lines of /proc/PID/cgroup, one for each hierarchy; NULL where it has
   none, or with errno where that cannot be known. */
static const char *read_group(int proc, pid_t pid, char *text, size_t size) {
    if (cl_read_text(proc, pid, "cgroup", text, size) < 0) {
        fails(proc, pid);
        return NULL;
    }
    errno = 0;
    const char *at = text;
    while (at != NULL && strncmp(at, "0::", 3) != 0) {
        at = strchr(at, '\n');
        if (at != NULL) at++;
    }
    return at == NULL ? NULL : at + 3;
}

int cl_is_in_group(int proc, pid_t pid, const char *path) {
    char text[8192];
    const char *group = read_group(proc, pid, text, sizeof text);
    size_t length = strlen(path);
    if (group == NULL && errno != 0) return -1;
    if (group == NULL || strncmp(group, path, length) != 0) return 0;
    return group[length] == '\n' || group[length] == '/';
}

int cl_is_in_group_named(int proc, pid_t pid, const char *name) {
    char text[8192];
    const char *at = read_group(proc, pid, text, sizeof text);
    size_t length = strlen(name);
    if (at == NULL && errno != 0) return -1;
    while (at != NULL && *at == '/') {
        const char *end = at + 1 + strcspn(at + 1, "/\n");
        if ((size_t)(end - at - 1) == length && memcmp(at + 1, name, length) == 0) return 1;
        at = end;
    }
    return 0;
}

int cl_environment_has(int proc, pid_t pid, const char *name, const char *prefix) {
    char chunk[16384];
    size_t name_length = strlen(name), wanted = name_length + strlen(prefix);
    size_t matched = 0; /* bytes of this variable that agree so far */
    bool agrees = true;
    int found = 0, file = open_of(proc, pid, "environ");
    /* A process that may not be read does not have it: one of another user, or one that is not dumpable. */
    if (file < 0) return cl_tells_nothing(errno) ? -1 : 0;
    ssize_t count;
    while (!found && (count = read_again(file, chunk, sizeof chunk)) > 0) {
        for (const char *at = chunk, *end = chunk + count; at < end; at++) {
            if (*at == 0) {
                matched = 0;
                agrees = true;
            } else if (agrees) {
                char next = matched < name_length ? name[matched] : prefix[matched - name_length];
                agrees = *at == next;
                if (agrees && ++matched == wanted) {
                    found = 1;
                    break;
                }
            } else {
                /* On to the end of this variable. */
                const char *stop = memchr(at, 0, (size_t)(end - at));
                at = stop == NULL ? end - 1 : stop - 1;
            }
        }
    }
    /* EIO is the process's own doing: it has unmapped its environment. */
    int code = count < 0 && errno != EIO && cl_tells_nothing(errno) ? errno : 0;
    close(file);
    errno = code;
    return code != 0 ? -1 : found;
}
