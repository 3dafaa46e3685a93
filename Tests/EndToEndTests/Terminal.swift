import SuperviseSystem
import TestSupport

/// Programs at a terminal of their own, as a shell with job control has them.
extension Place {
    /// What a line on its standard input says happens at the terminal; what is written there, it
    /// writes. It ends as the program does.
    private static let driver = """
        import fcntl, os, pty, select, struct, sys, termios
        pid, master = pty.fork()
        if pid == 0:
            os.execvp(sys.argv[1], sys.argv[1:])
        orders, watched = b"", [master, 0]
        while True:
            ready = select.select(watched, [], [])[0]
            if master in ready:
                try:
                    data = os.read(master, 65536)
                except OSError:
                    data = b""
                if not data:
                    break
                os.write(1, data)
            if 0 in ready:
                data = os.read(0, 65536)
                if not data:
                    watched = [master]
                *lines, orders = (orders + data).split(b"\\n")
                for line in lines:
                    word, _, rest = line.partition(b" ")
                    if word == b"type":
                        os.write(master, rest + b"\\n")
                    elif word == b"key":
                        os.write(master, bytes([int(rest, 16)]))
                    elif word == b"size":
                        rows, columns = map(int, rest.split())
                        size = struct.pack("HHHH", rows, columns, 0, 0)
                        fcntl.ioctl(master, termios.TIOCSWINSZ, size)
                    elif word == b"hang-up":
                        os.close(master)
                        os.waitpid(pid, 0)
                        sys.exit(0)
        status = os.waitpid(pid, 0)[1]
        sys.exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
        """

    /// A command alone at a terminal: the leader of its session, with no shell to continue it.
    func atTerminal(_ command: [String]) throws -> Program {
        try start(["python3", "-c", Self.driver] + command, hasInput: true)
    }

    /// An interactive shell at a terminal.
    func shell() throws -> Program {
        let program = try start(
            ["python3", "-c", Self.driver, "bash", "--norc", "--noprofile", "--noediting", "-i"],
            environment: ["TERM": "dumb"],
            hasInput: true)
        // What is typed is not shown, so that each line that comes was written by somebody.
        try program.type("PS1= PS2=; stty -echo; set -b; echo quiet $((40 + 2))")
        _ = try program.line(.output, "the shell") { $0.contains("quiet 42") }
        return program
    }

    /// How a shell calls `supervise` for a job that is a line of shell.
    func typed(_ options: [String] = [], job: String) throws -> String {
        let script = try directory.write("job", job + "\n")
        let all = [binary] + arguments(options) + ["sh", script]
        return all.map { "'\($0)'" }.joined(separator: " ")
    }
}

extension Program {
    func type(_ line: String) throws { try say("type \(line)") }

    /// - Parameter code: such as 3 for Ctrl-C.
    func press(_ code: UInt8) throws { try say("key \(String(code, radix: 16))") }

    static let controlC: UInt8 = 0x03
    static let controlZ: UInt8 = 0x1a
}
