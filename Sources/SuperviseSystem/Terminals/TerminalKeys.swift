import CLinux
import Glibc

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
