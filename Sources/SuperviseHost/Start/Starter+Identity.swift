import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// Whether what is there under the run's name is this run: the same command, and the same directory of
/// state.
extension Starter {
    func compare(_ old: RunRecord) -> CommandMatch {
        CommandMatch(
            recorded: .init(command: old.command, directory: old.directory),
            given: .init(command: request.command, directory: request.directory),
            directory: directory(of: old), isAdopted: request.adopt)
    }

    private func directory(of old: RunRecord) -> CommandMatch.Directory {
        if old.directory.utf8.elementsEqual(request.directory.utf8) { return .same }
        guard old.host == hostName() else { return .elsewhere }
        do throws(SystemError) {
            guard let recorded = try identity(old.directory) else { return .gone }
            return recorded == (try identity(request.directory)) ? .same : .other
        } catch {
            return .unknown("\(HumanText.printable(error.subject)): \(errorText(error.code))")
        }
    }

    /// Where links lead; nil where no directory is.
    private func identity(_ path: String) throws(SystemError) -> DirectoryID? {
        do throws(SystemError) {
            let found = try Disk().status(try Disk().resolved(path))
            guard found.kind == .directory else { return nil }
            return DirectoryID(device: found.device, inode: found.inode)
        } catch {
            guard error.isMissing || error.isNoDirectory else { throw error }
            return nil
        }
    }

    /// - Throws: where the run's processes live, and are another directory's.
    func inquire(_ store: RunStore, _ old: RunRecord) throws(HostError) -> StateOrigin {
        let origin = try wait.explaining { () throws(StoreError) in
            try OriginInquiry(store, old).answer()
        }
        if let text = StartText.refusal(origin, old, name: store.paths.name) {
            throw HostError(text)
        }
        return origin
    }

    func hasLeftovers(
        _ old: RunRecord?, _ origin: StateOrigin?
    ) throws(HostError) -> Bool {
        guard let old, let origin, origin.verdict == .here else { return false }
        if case .found(let found) = origin.processes, !found.isEmpty { return true }
        return old.mayHaveLeftovers(bootID: try? bootId())
    }

    /// Which checkpoints may not take with them what they own outside, as the original of a copy owns it.
    func sharedThrough(
        _ old: RunRecord?, _ origin: StateOrigin?, _ payload: PayloadHolder.Held?
    ) -> Int64? {
        let known = [old?.sharedThrough, payload?.tenancy.owner?.sharedThrough]
        let isCopy = origin?.verdict == .copied || payload?.tenancy.verdict == .copied
        return (known + [isCopy ? old?.sequence : nil]).compactMap { $0 }.max()
    }
}
