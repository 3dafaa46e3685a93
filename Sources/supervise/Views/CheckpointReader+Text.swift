import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseText

/// Checkpoints for a person.
extension CheckpointReader {
    /// One a line, the newest first.
    func table(_ found: Scan, pins: Set<CheckpointID>) -> String {
        guard !found.checkpoints.isEmpty || !found.damaged.isEmpty else {
            return "run \(run.name) has no checkpoint\n"
        }
        var cells = TableCells()
        // One column is enough while nothing is compressed.
        let showsBoth = found.checkpoints.contains { $0.sizeOnDisk != $0.bytes }
        let titles = showsBoth ? ["ON DISK", "SAVED"] : ["SIZE"]
        cells.add(["CHECKPOINT", "AGE"] + titles + ["METRICS"])
        var damaged = found.damaged[...]
        for summary in found.checkpoints.reversed() {
            while let bad = damaged.last, bad.id > summary.id {
                cells.add(Self.row(damaged.removeLast(), columns: titles.count))
            }
            let mark = pins.contains(summary.id) ? "pinned  " : ""
            let sizes = showsBoth ? [summary.sizeOnDisk, summary.bytes] : [summary.bytes]
            cells.add(
                [summary.id.description, "\(age(of: summary.created)) ago"]
                    + sizes.map { SizeText.format($0) }
                    + [mark + Self.text(summary.sortedMetrics)])
        }
        for bad in damaged.reversed() { cells.add(Self.row(bad, columns: titles.count)) }
        return cells.text(right: showsBoth ? [2, 3] : [2])
    }

    /// - Parameter columns: how many there are for sizes.
    private static func row(_ damaged: DamagedCheckpoint, columns: Int) -> [String] {
        [damaged.id.description, ""] + Array(repeating: "", count: columns)
            + ["BAD: \(damaged.reason)"]
    }

    /// One with all that is known of it.
    func text(_ manifest: Manifest) -> String {
        let time = EventsView(secondsAheadOfUTC: surroundings.secondsAheadOfUTC)
            .localTime(manifest.created)
        let paths = run.store.paths
        var rows = [
            ("made", "\(time), \(age(of: manifest.created)) ago, by attempt \(manifest.attempt)"),
            ("reason", "\(manifest.reason.rawValue), in \(HumanText.duration(manifest.seconds))"),
            ("parent", manifest.parent.map(\.description) ?? "none"),
            ("directory", HumanText.printable(paths.checkpoint(manifest.id))),
        ]
        if let progress = manifest.progress, let text = Self.text(progress) {
            rows.append(("progress", text))
        }
        if !manifest.metrics.isEmpty {
            let metrics = manifest.metrics.sorted { $0.key < $1.key }
            rows.append(("metrics", Self.text(metrics.map { ($0.key, $0.value) })))
        }
        for (key, value) in manifest.metadata.sorted(by: { $0.key < $1.key }) {
            let text = (try? JSONText.encode(value)).map { String(decoding: $0, as: UTF8.self) }
            rows.append(("metadata", HumanText.printable("\(key): \(text ?? "")")))
        }
        rows.append(
            (
                "files",
                "\(HumanText.count(manifest.files.count, "file")), \(SizeText.format(manifest.bytes))"
            ))
        if let bytes = compressedBytes(of: manifest), bytes < manifest.bytes {
            rows.append(("compressed", "\(SizeText.format(bytes)) on the disk"))
        }
        let lines = rows.map { "  \(TextLayout.padded($0.0, to: 13))\($0.1)\n" }.joined()
        let files = manifest.files.map {
            ["   ", SizeText.format($0.bytes), HumanText.printable($0.path.text)]
        }
        return "\(manifest.id)\n\(lines)\(TextLayout.table(files, right: [1]))"
    }

    /// - Parameter isAll: all of the run's checkpoints were verified, not one that was named.
    func text(_ results: [Verified], isAll: Bool) -> String {
        guard !results.isEmpty else { return "run \(run.name) has no checkpoint\n" }
        let rows = results.map {
            ["", $0.id.description, $0.good ? "good" : "BAD", HumanText.printable($0.reason ?? "")]
        }
        let table = TextLayout.table(rows)
        return isAll ? table + summary(of: results) + "\n" : table
    }

    private func summary(of results: [Verified]) -> String {
        let bad = results.filter { !$0.good }
        let count = HumanText.count(results.count, "checkpoint")
        guard !bad.isEmpty else {
            let bytes = results.reduce(0) { $0 + ($1.bytes ?? 0) }
            return "\(count), \(SizeText.format(bytes)): all good."
        }
        if run.name.isArchived {
            return "\(bad.count) of \(count) \(bad.count == 1 ? "is" : "are") bad."
        }
        let they =
            bad.count == 1 ? "is bad. It stays where it is" : "are bad. They stay where they are"
        let start = "\(bad.count) of \(count) \(they); a resume"
        guard let next = results.first(where: \.good)?.id else {
            return "\(start) finds nothing to go on from: supervise resume \(run.name) --from none"
        }
        return results.first?.good == true
            ? "\(start) uses \(next)." : "\(start) will set aside what is newer and use \(next)."
    }

    /// The manifest's JSON, with the path that a job gets.
    func object(_ manifest: Manifest) throws(Complaint) -> [String: JSONValue] {
        do {
            var object = try JSONText.decode(
                [String: JSONValue].self, from: try JSONText.encode(manifest))
            let directory = run.store.paths.checkpoint(manifest.id)
            object["path"] = .string(manifest.payloadPath(in: directory))
            object["compressed_bytes"] = compressedBytes(of: manifest).map { .integer($0) } ?? .null
            return object
        } catch {
            throw Complaint("cannot write this as JSON: \(error)")
        }
    }

    /// What cannot be read is not told here: to verify it does.
    private func compressedBytes(of manifest: Manifest) -> Int64? {
        (try? run.store.checkpoints.compressedBytes(of: manifest)) ?? nil
    }

    /// Such as `2027/2060 years, 6 %`.
    private static func text(_ progress: Manifest.Progress) -> String? {
        var told = Status.Progress()
        (told.step, told.total, told.unit) = (progress.step, progress.total, progress.unit)
        guard let steps = StatusView.steps(of: told) else { return nil }
        return steps + (progress.fraction.map { ", \(HumanText.percent($0))" } ?? "")
    }

    private static func text(_ metrics: [(name: String, value: Double)]) -> String {
        metrics.map { "\(HumanText.printable($0.name)) \(HumanText.number($0.value))" }
            .joined(separator: "  ")
    }

    private func age(of moment: Timestamp) -> String {
        HumanText.age(surroundings.now.seconds(since: moment))
    }
}
