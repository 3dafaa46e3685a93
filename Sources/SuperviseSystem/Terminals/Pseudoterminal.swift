import CLinux
import Glibc

/// The rows and columns of a terminal.
package struct TerminalSize: Equatable, Sendable {
    package var rows: Int
    package var columns: Int

    package init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
    }

    /// What terminals have that do not say.
    package static let usual = TerminalSize(rows: 24, columns: 80)

    /// Of the terminal at a descriptor; nil where it is none, or does not tell.
    package init?(of descriptor: Int32) {
        var size = cl_terminal_size()
        guard cl_read_terminal_size(descriptor, &size) == 0, size.rows > 0, size.columns > 0
        else { return nil }
        self.init(rows: Int(size.rows), columns: Int(size.columns))
    }

    /// Of the terminal at one of our standard streams.
    package static func ofOurs() -> TerminalSize? {
        (0...2).lazy.compactMap { TerminalSize(of: $0) }.first
    }
}

/// How a terminal treats what is typed and shown.
package struct TerminalSettings: Sendable {
    let native: termios

    /// Those of one of our standard streams; nil where none is a terminal.
    package static func ofOurs() -> TerminalSettings? {
        var settings = termios()
        for descriptor: Int32 in 0...2 where tcgetattr(descriptor, &settings) == 0 {
            return TerminalSettings(native: settings)
        }
        return nil
    }
}

/// A terminal that is a program: what is written to the slave can be read from the master, and what
/// is written to the master is typed at the slave.
package struct Pseudoterminal: ~Copyable {
    /// Nonblocking; a read fails with EIO once nobody has the slave any more.
    package let master: SharedDescriptor
    package let slave: FileDescriptor

    /// - Parameter model: the settings that it gets, but for the carriage return.
    /// - Throws: EMFILE, ENOSPC where the machine has too many, ENOENT without /dev/ptmx.
    package init(size: TerminalSize, like model: TerminalSettings?) throws(SystemError) {
        var master: Int32 = -1
        var slave: Int32 = -1
        try systemCall("open", "/dev/ptmx") {
            guard let model else { return cl_open_terminal(&master, &slave, nil) }
            return withUnsafePointer(to: model.native) { cl_open_terminal(&master, &slave, $0) }
        }
        self.master = SharedDescriptor(FileDescriptor(adopting: master))
        self.slave = FileDescriptor(adopting: slave)
        self.master.setTerminalSize(size)
    }

    /// Lets a user open it by its name.
    package borrowing func give(to user: UInt32) {
        // Where that is refused, it is still there as the standard streams.
        _ = fchown(slave.rawValue, user, gid_t.max)
    }

    /// The slave has another owner from now on.
    package consuming func giveSlave() -> FileDescriptor { slave }
}

/// A descriptor that has several owners: it is closed when the last of them lets go of it.
package final class SharedDescriptor: Sendable {
    private let descriptor: FileDescriptor

    package init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    package var rawValue: Int32 { descriptor.rawValue }

    /// Another descriptor for the same open file.
    ///
    /// - Throws: EMFILE.
    package func duplicate() throws(SystemError) -> SharedDescriptor {
        SharedDescriptor(try descriptor.duplicate())
    }

    /// Of a pseudo-terminal, by its master; those who sit at it are told by SIGWINCH.
    package func setTerminalSize(_ size: TerminalSize) {
        var native = cl_terminal_size(rows: Int32(size.rows), columns: Int32(size.columns))
        // Only a wish: the job gets what it can be given.
        _ = cl_set_terminal_size(rawValue, &native)
    }
}

/// Our own terminal while its keys are passed on one by one. It is put right whatever happens to
/// us: by ``restore()``, or by a small process that outlives us.
///
/// Not Sendable: it belongs to one thread.
package final class TerminalKeys {
    private let terminal: Int32
    private var before: termios?
    private var leash: FileDescriptor?
    private let tools: Tools

    /// - Parameters:
    ///   - terminal: a descriptor that stays open.
    ///   - tools: gets the process that looks after the terminal.
    package init(of terminal: Int32, _ tools: Tools) {
        self.terminal = terminal
        self.tools = tools
    }

    deinit { restore() }

    /// Each key is given at once and not shown, and those that send signals still do. Does nothing
    /// in the background, where the terminal is somebody else's.
    ///
    /// - Returns: whether keys can be read.
    package func take() -> Bool {
        if before != nil { return true }
        guard cl_is_in_foreground(terminal) != 0 else { return false }
        var settings = termios()
        guard cl_read_keys(terminal, &settings) == 0 else { return false }
        before = settings
        var number: Int32 = -1
        var pidfd: Int32 = -1
        let pid = cl_keep_terminal(terminal, &settings, &number, &pidfd)
        // Without it, only our sudden death would leave the terminal as it is.
        guard pid > 0 else { return true }
        leash = FileDescriptor(adopting: number)
        FileDescriptor(adopting: pidfd).close()
        tools.add(helper: pid)
        return true
    }

    package func restore() {
        guard var settings = before else { return }
        before = nil
        _ = cl_restore_terminal(terminal, &settings)
        guard let number = leash?.rawValue else { return }
        var byte: UInt8 = 1
        _ = write(number, &byte, 1)
        leash = nil
    }
}
