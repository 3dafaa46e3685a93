import Glibc

extension SystemError {
    /// Whether the call failed for lack of a resource, so that it may succeed later.
    ///
    /// The only place that tells so: descriptors (EMFILE, ENFILE), memory (ENOMEM), and processes or
    /// threads (EAGAIN, which from a read or a write says something else). ENOSPC is one where it is
    /// about watches of epoll or about pseudoterminals, and not about a disk.
    package var isShortage: Bool {
        switch code {
        case EMFILE, ENFILE, ENOMEM: call != "setrlimit"
        case EAGAIN: ["clone", "fork", "pthread_create", "execve", "setuid"].contains(call)
        case ENOSPC: call == "epoll_ctl" || subject == "/dev/ptmx"
        default: false
        }
    }

    /// What to do about a shortage, for people.
    package var shortageAdvice: String {
        switch (code, call) {
        case (EMFILE, "inotify_init1"): "raise fs.inotify.max_user_instances"
        case (EMFILE, _): "raise the limit of open files (ulimit -n, LimitNOFILE= in a unit)"
        case (ENFILE, _): "raise fs.file-max, or end what holds so many files open"
        case (ENOSPC, "epoll_ctl"): "raise fs.epoll.max_user_watches"
        case (ENOSPC, _): "raise kernel.pty.max, or end what holds so many terminals"
        case (EAGAIN, _):
            "raise the limit of processes (ulimit -u, TasksMax= in a unit, --pids-limit of a "
                + "container), or end some"
        default: "free memory, or raise the limit of it"
        }
    }

    /// Whether a process that was meant is not there.
    package var isNoProcess: Bool { code == ESRCH }
}
