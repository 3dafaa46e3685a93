import SuperviseFormats

extension EventText {
    static func logsRemoved(_ removed: RunEvent.LogsRemoved) -> String {
        var parts: [String] = []
        if removed.outputFiles > 0 {
            parts.append("\(HumanText.count(removed.outputFiles, "file")) of old output")
        }
        if removed.eventFiles > 0 {
            parts.append("\(HumanText.count(removed.eventFiles, "file")) of old events")
        }
        return "the disk is full: removed \(parts.joined(separator: " and ")) "
            + "(\(SizeText.format(removed.bytes)))"
    }
}
