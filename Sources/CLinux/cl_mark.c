#include "cl_mark.h"
#include "cl_process.h"
#include "cl_raw.h"
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

enum { DIGITS = 16 };

CL_BARE unsigned long long cl_mark_of(const char *token) {
    unsigned long long number = 0;
    for (int index = 0; index < DIGITS; index++) {
        char digit = token[index];
        if (digit >= '0' && digit <= '9') number = number << 4 | (unsigned long long)(digit - '0');
        else if (digit >= 'a' && digit <= 'f') number = number << 4 | (unsigned long long)(digit - 'a' + 10);
        else return 0;
    }
    /* Between 2^62 and 2^63: no program takes it for a real limit or for a negative number. */
    return (number & ((1ull << 62) - 1)) | 1ull << 62;
}

/* The kernel's struct rlimit64. */
static CL_BARE void set_soft(unsigned long long soft, int always) {
    unsigned long long limit[2];
    if (cl_raw4(SYS_prlimit64, 0, RLIMIT_LOCKS, NULL, limit) != 0) return;
    if (!always && limit[1] < soft) return;
    limit[0] = always ? limit[1] : soft;
    cl_raw4(SYS_prlimit64, 0, RLIMIT_LOCKS, limit, NULL);
}

CL_BARE void cl_mark_self(unsigned long long mark) { set_soft(mark, 0); }

void cl_shed_mark(void) { set_soft(0, 1); }

unsigned long long cl_own_mark(void) {
    unsigned long long limit[2] = {0, 0};
    cl_raw4(SYS_prlimit64, 0, RLIMIT_LOCKS, NULL, limit);
    return limit[0];
}

int cl_has_mark(int proc, pid_t pid, unsigned long long mark) {
    static const char name[] = "\nMax file locks";
    char text[4096];
    ssize_t count = cl_read_text(proc, pid, "limits", text, sizeof text);
    if (count < 0) return cl_tells_nothing(errno) ? -1 : 0;
    const char *at = strstr(text, name);
    if (at == NULL) return 0;
    for (at += sizeof name - 1; *at == ' '; at++) {}
    unsigned long long soft = 0;
    if (*at < '0' || *at > '9') return 0;
    for (; *at >= '0' && *at <= '9'; at++) soft = soft * 10 + (unsigned)(*at - '0');
    return soft == mark;
}
