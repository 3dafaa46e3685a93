import SuperviseFormats

extension Status.Progress {
    /// Takes over what a job tells of its metrics: new names in their order, as far as there is room, so that
    /// which ones are left out is no accident.
    mutating func keep(_ told: [String: Double], most: Int = Bounds.metrics) {
        var new: [(name: String, value: Double)] = []
        for (name, value) in told {
            let name = name.bounded
            if metrics[name] != nil { metrics[name] = value } else { new.append((name, value)) }
        }
        let room = max(0, most - metrics.count)
        metricsLeftOut = max(0, new.count - room)
        guard room > 0 else { return }
        new.sort { $0.name < $1.name }
        for (name, value) in new.prefix(room) { metrics[name] = value }
    }
}
