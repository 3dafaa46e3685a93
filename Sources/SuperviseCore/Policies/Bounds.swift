/// How much of what a job says is kept: memory and files do not grow with a job that talks too much.
enum Bounds {
    /// Of a text, in Unicode scalars.
    static let text = 1000
    /// Of the names of metrics in the progress, so many that came first.
    static let metrics = 1000
}

extension String {
    /// At most so much of a job's text as is kept.
    var bounded: String { bounded(to: Bounds.text) }

    func bounded(to count: Int) -> String {
        guard utf8.count > count, unicodeScalars.count > count else { return self }
        return String(unicodeScalars.prefix(count)) + "…"
    }
}
