import Glibc
import SuperviseSystem
import TestSupport
import Testing

/// A library that is loaded into a program before the C library: it moves the program's wall clock,
/// and holds its syncs, or what it writes to the job's log, as a hung disk or a slow one does. A static
/// binary loads none.
struct Preload {
    let directory: String
    let environment: [String: String]

    private static let source = """
        #define _GNU_SOURCE
        #include <fcntl.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/syscall.h>
        #include <time.h>
        #include <unistd.h>
        static int open_own(const char *name, int flags) {
            char path[4096];
            const char *directory = getenv("PRELOAD");
            if (directory == NULL) return -1;
            snprintf(path, sizeof path, "%s/%s", directory, name);
            return open(path, flags | O_CLOEXEC);
        }
        int clock_gettime(clockid_t clock, struct timespec *time) {
            int result = (int)syscall(SYS_clock_gettime, clock, time);
            if (result != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)) return result;
            char text[32] = {0};
            int file = open_own(clock == CLOCK_REALTIME ? "offset" : "uptime", O_RDONLY);
            if (file >= 0 && read(file, text, sizeof text - 1) > 0) time->tv_sec += atol(text);
            if (file >= 0) close(file);
            return result;
        }
        /* The name of a FIFO with no writer, while the disk is to hang. */
        static void wait_for(const char *name) {
            int file = open_own(name, O_RDONLY);
            if (file >= 0) close(file);
        }
        /* Whether the name that it was opened by ends in this. */
        static int is_named(int file, const char *ending) {
            char link[64], path[4096];
            snprintf(link, sizeof link, "/proc/self/fd/%d", file);
            ssize_t length = readlink(link, path, sizeof path - 1);
            path[length > 0 ? length : 0] = 0;
            size_t rest = strlen(ending);
            return length >= (ssize_t)rest && strcmp(path + length - rest, ending) == 0;
        }
        static int is_staged(int file) {
            char link[64], path[4096];
            snprintf(link, sizeof link, "/proc/self/fd/%d", file);
            ssize_t length = readlink(link, path, sizeof path - 1);
            path[length > 0 ? length : 0] = 0;
            return strstr(path, "/staging/") != NULL;
        }
        static void slow_down(const char *name, long nanoseconds) {
            int file = open_own(name, O_RDONLY);
            if (file < 0) return;
            close(file);
            nanosleep(&(struct timespec){0, nanoseconds}, NULL);
        }
        int fsync(int file) {
            wait_for("hung");
            slow_down("slow-sync", 10000000);
            if (is_staged(file)) wait_for("hung-staging");
            if (is_named(file, "/run.json.tmp")) wait_for("hung-record");
            return (int)syscall(SYS_fsync, file);
        }
        int fdatasync(int file) {
            wait_for("hung");
            return (int)syscall(SYS_fdatasync, file);
        }
        int syncfs(int file) {
            wait_for("hung");
            return (int)syscall(SYS_syncfs, file);
        }
        ssize_t write(int file, const void *bytes, size_t count) {
            char link[64], path[4096];
            snprintf(link, sizeof link, "/proc/self/fd/%d", file);
            ssize_t length = readlink(link, path, sizeof path - 1);
            path[length > 0 ? length : 0] = 0;
            if (strstr(path, "/output/attempt-") != NULL) {
                wait_for("hung-log");
                int slow = open_own("slow-log", O_RDONLY);
                if (slow >= 0) {
                    close(slow);
                    nanosleep(&(struct timespec){0, 700000000}, NULL);
                }
            }
            if (strstr(path, "/status.json.tmp") != NULL) wait_for("hung-status");
            return syscall(SYS_write, file, bytes, count);
        }

        """

    /// - Throws: ``TestFailure`` where it cannot be compiled.
    init(in place: Place) throws {
        directory = try place.directory.makeDirectory("preload")
        environment = ["LD_PRELOAD": "\(directory)/it.so", "PRELOAD": directory]
        try Disk().writeFile("\(directory)/it.c", Array(Self.source.utf8))
        let compiler = try place.start([
            "cc", "-shared", "-fPIC", "-O1", "-o", "\(directory)/it.so", "\(directory)/it.c",
        ])
        guard try compiler.waitForEnd() == .exited(0) else { throw compiler.failure("no library") }
    }

    /// - Parameter offset: seconds from the true time.
    func setClock(_ offset: Int64) throws {
        try Disk().writeFile("\(directory)/new", Array("\(offset)".utf8))
        try systemCall("rename") { rename("\(directory)/new", "\(directory)/offset") }
    }

    /// - Parameter offset: seconds that are added to the monotonic clock.
    func setUptime(_ offset: Int64) throws {
        try Disk().writeFile("\(directory)/new", Array("\(offset)".utf8))
        try systemCall("rename") { rename("\(directory)/new", "\(directory)/uptime") }
    }

    /// For LD_PRELOAD.
    var library: String { "\(directory)/it.so" }

    /// What of the disk does not come to its end.
    enum Hanging: String {
        case syncs = "hung"
        /// Syncs of what is staged.
        case staging = "hung-staging"
        case log = "hung-log"
        case record = "hung-record"
        case status = "hung-status"
    }

    /// From now on nothing of it comes to its end.
    func hangDisk(_ what: Hanging = .syncs) throws {
        try systemCall("mkfifo") { mkfifo("\(directory)/\(what.rawValue)", 0o600) }
    }

    /// From now on each write to the job's log takes 0.7 s.
    func slowLog() throws {
        try Disk().writeFile("\(directory)/slow-log", [])
    }

    /// From now on each sync takes 10 ms.
    func slowSyncs() throws {
        try Disk().writeFile("\(directory)/slow-sync", [])
    }

    func hastenLog() throws {
        try Disk().removeFile("\(directory)/slow-log")
    }

    /// Those that hang go on.
    func freeDisk(_ what: Hanging = .syncs) throws {
        try systemCall("rename") {
            rename("\(directory)/\(what.rawValue)", "\(directory)/freed")
        }
        let writer = try systemCall("open") {
            open("\(directory)/freed", O_RDWR | O_NONBLOCK | O_CLOEXEC)
        }
        close(writer)
    }

    /// Whether there is a compiler, and a binary that loads libraries.
    static let isUsable: Bool = {
        let directories = (environmentVariable("PATH") ?? "").split(separator: ":")
        guard directories.contains(where: { pathExists("\($0)/cc") }),
            let place = try? Place(), let preload = try? Preload(in: place)
        else { return false }
        try? preload.setClock(-20 * 365 * 86_400)
        let line = ["sh", "-c", "\(place.binary) --state-dir s --name x -- true 2> /dev/null"]
        guard let program = try? place.start(line, environment: preload.environment),
            (try? program.waitForEnd()) == .exited(0),
            let text = try? readSmallFile("\(place.path)/s/x/run.json")
        else { return false }
        return text.contains("\"created\":\"200")
    }()

    static let hindrance: Comment = "there is no compiler for C, or the binary is static"
}
