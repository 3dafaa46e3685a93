import Glibc
import SuperviseSystem
import Testing

/// The built `supervise`, run as a person runs it.
struct Binary {
    /// The state directory, which is also where the files of its output are.
    let root: String

    /// A call that has been started.
    final class Call {
        let pid: pid_t
        private let output: String
        private var isOver = false

        init(pid: pid_t, output: String) {
            self.pid = pid
            self.output = output
        }

        // A test that failed leaves nothing running: the supervisor's guard ends its job.
        deinit {
            if isOver { return }
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }

        /// Waits for its end.
        func finish() throws -> (status: Int32, output: String, messages: String) {
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0 {
                guard errno == EINTR else {
                    throw SystemError(call: "waitpid", code: errno, subject: "")
                }
            }
            isOver = true
            let signal = status & 0x7f
            return (
                signal == 0 ? (status >> 8) & 0xff : 128 + signal,
                try readSmallFile("\(output).out"), try readSmallFile("\(output).err")
            )
        }
    }

    /// Beside the test's own program, where the build has put both.
    private static var path: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = readlink("/proc/self/exe", &buffer, Int(PATH_MAX))
        let own = String(
            decoding: buffer[..<max(0, count)].map(UInt8.init(bitPattern:)), as: UTF8.self)
        return own.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/supervise"
    }

    func start(_ arguments: [String]) throws -> Call {
        let output = "\(root)/call-\(try randomHex(bytes: 8))"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for (number, ending) in [(Int32(1), "out"), (2, "err")] {
            posix_spawn_file_actions_addopen(
                &actions, number, "\(output).\(ending)", O_WRONLY | O_CREAT, 0o600)
        }
        let words = [Self.path] + arguments
        let inherited = environmentVariables().filter { !$0.0.hasPrefix("SUPERVISE_") }
        let variables =
            inherited.map { "\($0.0)=\($0.1)" } + ["SUPERVISE_STATE_DIR=\(root)", "TZ=UTC0"]
        var pid: pid_t = 0
        let code = Self.withCStrings(words) { arguments in
            Self.withCStrings(variables) { environment in
                posix_spawn(&pid, Self.path, &actions, nil, arguments, environment)
            }
        }
        guard code == 0 else {
            throw SystemError(call: "posix_spawn", code: code, subject: Self.path)
        }
        return Call(pid: pid, output: output)
    }

    func run(_ arguments: [String]) throws -> (status: Int32, output: String, messages: String) {
        try start(arguments).finish()
    }

    /// A named pipe that a job opens and closes when it is ready.
    final class Readiness {
        let path: String
        private let descriptor: Int32

        convenience init(in directory: String) throws {
            let path = "\(directory)/ready-\(try randomHex(bytes: 8))"
            try #require(mkfifo(path, 0o600) == 0)
            try self.init(at: path)
        }

        /// For the next one to use a pipe that is there.
        init(at path: String) throws {
            self.path = path
            descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
            try #require(descriptor >= 0)
        }

        deinit { close(descriptor) }

        /// - Throws: where it is not there within half a minute.
        func wait() throws {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            try #require(poll(&entry, 1, 30_000) == 1, "the job did not get ready")
        }
    }

    private static func withCStrings<Result>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let pointers = texts.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers)
    }
}
