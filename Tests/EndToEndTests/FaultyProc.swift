import Glibc
import SuperviseSystem
import TestSupport

/// A library that is loaded into a program before the C library: it lets what is opened below /proc fail, or
/// holds SIGKILL back. A static binary loads none.
struct FaultyProc {
    private let directory: String
    let environment: [String: String]

    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <stdarg.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/prctl.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        static long (*call)(long, ...);
        static long real(long number, long a, long b, long c, long d, long e, long f) {
            if (call == NULL) call = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
            return call(number, a, b, c, d, e, f);
        }
        static int open_own(const char *name) {
            char path[4096];
            const char *directory = getenv("FAULTY_PROC");
            if (directory == NULL) return -1;
            snprintf(path, sizeof path, "%s/%s", directory, name);
            return (int)real(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
        }
        static int is_in_proc(int directory, const char *path) {
            char link[64], target[256];
            if (path[0] == '/') return strncmp(path, "/proc", 5) == 0;
            snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
            ssize_t length = readlink(link, target, sizeof target - 1);
            target[length > 0 ? length : 0] = 0;
            return directory >= 0 && strncmp(target, "/proc", 5) == 0;
        }
        static int open_at(int directory, const char *path, int flags, mode_t mode) {
            char text[32] = {0};
            int before = errno;
            int file = is_in_proc(directory, path) ? open_own("error") : -1;
            if (file >= 0) {
                int has_error = read(file, text, sizeof text - 1) > 0;
                close(file);
                if (has_error) {
                    errno = atoi(text);
                    return -1;
                }
            }
            errno = before;
            return (int)real(SYS_openat, directory, (long)path, flags, mode, 0, 0);
        }
        #define OPEN(name) int name(const char *path, int flags, ...) { \\
            va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list); \\
            return open_at(AT_FDCWD, path, flags, mode); }
        #define OPENAT(name) int name(int directory, const char *path, int flags, ...) { \\
            va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list); \\
            return open_at(directory, path, flags, mode); }
        OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64)
        long syscall(long number, ...) {
            va_list list;
            va_start(list, number);
            long a[6];
            for (int index = 0; index < 6; index++) a[index] = va_arg(list, long);
            va_end(list);
            char name[16] = {0};
            prctl(PR_GET_NAME, name);
            if (number == SYS_pidfd_send_signal && a[1] == 9 && strcmp(name, "supervise-guard") != 0) {
                int file = open_own("hold"); /* a FIFO without a writer: this waits */
                if (file >= 0) close(file);
            }
            return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        }

        """

    /// - Throws: ``TestFailure`` if it cannot be compiled.
    init(in place: Place) throws {
        directory = try place.directory.makeDirectory("faulty")
        environment = ["LD_PRELOAD": "\(directory)/it.so", "FAULTY_PROC": directory]
        try Disk().writeFile("\(directory)/it.c", Array(Self.source.utf8))
        let compiler = try place.start([
            "cc", "-shared", "-fPIC", "-O1", "-o", "\(directory)/it.so", "\(directory)/it.c",
        ])
        guard try compiler.waitForEnd() == .exited(0) else { throw compiler.failure("no library") }
    }

    /// From now on nothing below /proc can be opened; nil: everything can.
    func fail(with code: Int32?) throws {
        try Disk().writeFile("\(directory)/new", Array((code.map { "\($0)" } ?? "").utf8))
        try systemCall("rename") { rename("\(directory)/new", "\(directory)/error") }
    }

    /// From now on nobody but the guard gets a SIGKILL sent.
    func holdKills() throws {
        try systemCall("mkfifo") { mkfifo("\(directory)/hold", 0o600) }
    }
}
