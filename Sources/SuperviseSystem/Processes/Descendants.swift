import Glibc

/// Whether each of our descendants, apart from some and theirs, has a handler for a signal, or is not
/// ended by it.
///
/// - Returns: false where one of them would end by it, or cannot be looked at.
package func descendantsHandle(_ signal: Int32, except helpers: Set<Int32>) -> Bool {
    guard ProcessTree.isVisible else { return false }
    return ProcessExamination.descendants(of: getpid(), except: helpers).allSatisfy { pid, status in
        if status.state == "Z" { return true }
        let reception = try? SignalReception(of: signal, by: pid)
        return reception == .handled || reception == .ignored
    }
}
