import Glibc
import SuperviseSystem

/// A program at a real terminal that controls its session, and somebody who sits there: types, reads, and
/// makes the window larger.
package final class Seat {
    package let pid: Int32
    private let child: SpawnedProcess
    private let master: SharedDescriptor
    private let slave: SharedDescriptor
    private var ending: Ending?
    private var taken = 0
    /// All that was written to the terminal.
    package private(set) var bytes: [UInt8] = []

    /// - Parameters:
    ///   - input: what standard input is, where that is not the terminal; so for the others.
    package init(
        _ command: [String], environment: [String: String], directory: String? = nil,
        size: TerminalSize = .usual, input: SpawnRequest.Stream? = nil,
        output: SpawnRequest.Stream? = nil
    ) throws {
        ignoreBrokenPipes()
        let terminal = try Pseudoterminal(size: size, like: nil)
        master = terminal.master
        slave = SharedDescriptor(terminal.giveSlave())
        let number = slave.rawValue
        var settings = termios()
        // As a terminal emulator sets it up.
        try systemCall("tcgetattr") { tcgetattr(number, &settings) }
        settings.c_oflag |= tcflag_t(ONLCR)
        try systemCall("tcsetattr") { tcsetattr(number, TCSANOW, &settings) }
        var request = SpawnRequest(
            command: command, environment: environment.map { "\($0)=\($1)" },
            directory: directory, standardInput: input ?? .descriptor(number),
            standardOutput: output ?? .descriptor(number), standardError: .descriptor(number))
        request.terminal = number
        child = try spawn(request)
        pid = child.pid
    }

    deinit {
        guard ending == nil else { return }
        _ = try? child.process.signal(SIGKILL)
        _ = try? child.process.waitForEnd(atMost: nil)
        waitpid(pid, nil, 0)
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package func signal(_ number: Int32) throws { try child.process.signal(number) }

    package func type(_ text: String) throws {
        let number = master.rawValue
        let bytes = Array(text.utf8)
        let count = try systemCall("write", text) { write(number, bytes, bytes.count) }
        guard count == bytes.count else { throw TestFailure("the terminal took only \(count)") }
    }

    package func resize(_ size: TerminalSize) { master.setTerminalSize(size) }

    /// Whether keys come line by line and are shown, as everybody is used to.
    package var isCooked: Bool {
        var settings = termios()
        guard tcgetattr(slave.rawValue, &settings) == 0 else { return false }
        return settings.c_lflag & tcflag_t(ICANON) != 0 && settings.c_lflag & tcflag_t(ECHO) != 0
            && settings.c_iflag & tcflag_t(ICRNL) != 0
    }

    /// Waits until this was written, after what was waited for before.
    package func wait(for text: String) throws {
        let wanted = Array(text.utf8)
        try wait(for: "\"\(text)\"") {
            guard let range = self.bytes[self.taken...].firstRange(of: wanted) else { return nil }
            self.taken = range.upperBound
            return true
        }
    }

    /// Waits until something holds that changes when something is written.
    package func wait(until condition: () throws -> Bool) throws {
        try wait(for: "what was waited for") { try condition() ? true : nil }
    }

    package func waitForEnd() throws -> Ending {
        if let ending { return ending }
        try wait(for: "its end") { try self.child.process.waitForEnd(atMost: .zero) ? true : nil }
        var raw: Int32 = 0
        try systemCall("waitpid") { waitpid(pid, &raw, 0) }
        let signal = raw & 0x7f
        let ended = signal == 0 ? Ending.exited((raw >> 8) & 0xff) : .signaled(signal)
        ending = ended
        try read()
        return ended
    }

    /// Waits until it is stopped, as by SIGSTOP.
    package func waitUntilStopped() throws {
        var info = siginfo_t()
        try systemCall("waitid", "\(pid)") {
            waitid(P_PID, id_t(pid), &info, WSTOPPED | WNOWAIT)
        }
        try read()
    }

    private func wait(for what: String, until condition: () throws -> Bool?) throws {
        let deadline = MonotonicTime.now() + patience
        while true {
            let isOver = try ending != nil || child.process.waitForEnd(atMost: .zero)
            try read()
            if try condition() != nil { return }
            if isOver { throw TestFailure("it ended before \(what)\n---\n\(text)\n---") }
            var entries = [
                pollfd(fd: master.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: child.process.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let left = max(0, (deadline - .now()).milliseconds)
            guard try systemCall("poll", "", { poll(&entries, 2, left) }) > 0 else {
                throw TestFailure("\(what) did not come\n---\n\(text)\n---")
            }
        }
    }

    private func read() throws {
        while case .bytes = try readAvailable(master.rawValue, into: &bytes) {}
    }
}

/// What a terminal shows after all that was written to it, without its lower edge: what would have
/// left the screen at the top is still there.
package struct Screen {
    package private(set) var lines: [[Unicode.Scalar]] = [[]]
    private var row = 0
    private var column = 0
    private let columns: Int

    package init(_ text: String, columns: Int = TerminalSize.usual.columns) {
        self.columns = columns
        var rest = Substring.UnicodeScalarView(text.unicodeScalars)
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\r": column = 0
            case "\n": moveDown()
            case "\u{1B}": obey(&rest)
            default: put(scalar)
            }
        }
    }

    /// Without the blanks at their ends, and empty lines at the end.
    package var text: [String] {
        var texts = lines.map { line in
            var scalars = String.UnicodeScalarView(line)
            while scalars.last == " " { scalars.removeLast() }
            return String(scalars)
        }
        while texts.last == "" { texts.removeLast() }
        return texts
    }

    private mutating func moveDown() {
        row += 1
        while lines.count <= row { lines.append([]) }
    }

    private mutating func put(_ scalar: Unicode.Scalar) {
        if column == columns {
            column = 0
            moveDown()
        }
        while lines[row].count <= column { lines[row].append(" ") }
        lines[row][column] = scalar
        column += 1
    }

    private mutating func obey(_ rest: inout Substring.UnicodeScalarView) {
        guard rest.popFirst() == "[" else { return }
        var parameters = ""
        while let scalar = rest.popFirst() {
            guard ("\u{40}"..."\u{7E}").contains(scalar) else {
                parameters.unicodeScalars.append(scalar)
                continue
            }
            switch scalar {
            case "J", "K":
                lines[row].removeSubrange(min(column, lines[row].count)...)
                if scalar == "J" { lines.removeSubrange((row + 1)...) }
            case "A": row = max(0, row - (Int(parameters) ?? 1))
            default: break
            }
            return
        }
    }
}
