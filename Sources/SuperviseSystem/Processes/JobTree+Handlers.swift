import Glibc

extension JobTree {
    /// Whether each of them has a handler for a signal, or is not ended by it.
    ///
    /// - Returns: false where one of them would end by it, or where nobody can tell; and the helpers and the
    ///   leader that were taken meanwhile.
    package func handles(_ signal: Int32) -> (Bool, reaped: [Reaped]) {
        let (found, reaped) = membersAndReaped()
        guard case .success(let members) = found else { return (false, reaped) }
        let all = members.allSatisfy { pid in
            guard let status = ProcessStatus(path: "/proc/\(pid)/stat"), status.state != "Z" else {
                return true
            }
            let reception = try? SignalReception(of: signal, by: pid)
            return reception == .handled || reception == .ignored
        }
        return (all, reaped)
    }
}
