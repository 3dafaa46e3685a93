import Glibc
import SuperviseSystem
import Testing

@Suite("Which errors are shortages of the machine")
struct ShortageTests {
    private func isShortage(_ call: String, _ code: Int32, _ subject: String = "") -> Bool {
        SystemError(call: call, code: code, subject: subject).isShortage
    }

    @Test("too few descriptors or too little memory are, whatever the call")
    func anyCall() {
        for call in ["pipe", "clone", "epoll_create1", "eventfd", "open", "accept", "pidfd_open"] {
            for code in [EMFILE, ENFILE, ENOMEM] { #expect(isShortage(call, code), "\(call)") }
        }
    }

    @Test("EAGAIN is one where a process or a thread was to be made, and nowhere else")
    func again() {
        for call in ["clone", "pthread_create", "execve"] { #expect(isShortage(call, EAGAIN)) }
        for call in ["read", "write", "accept"] { #expect(!isShortage(call, EAGAIN)) }
    }

    @Test("a full disk is none, and neither is what is forbidden or not there")
    func others() {
        #expect(!isShortage("write", ENOSPC, "/data") && !isShortage("open", ENOSPC, "/data"))
        #expect(isShortage("epoll_ctl", ENOSPC) && isShortage("open", ENOSPC, "/dev/ptmx"))
        for code in [EPERM, EACCES, ENOENT, ENOSYS, EINVAL] { #expect(!isShortage("clone", code)) }
    }
}
