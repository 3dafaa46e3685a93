import SuperviseCore
import SuperviseFormats

/// Whoever owns the simulated machine: what is known there of its end, and what is said when asked.
///
/// What each answer means stands in a header of its own, for the witness; nobody else reads it.
struct Cloud {
    enum Kind { case aws, gcp, azure, program }

    /// That the machine is taken away.
    struct Ending {
        /// In the words of the EC2 metadata.
        var action: String
        /// When it is gone, in nanoseconds.
        var at: Int64
        var identity: String
        var lie: Lie?
    }

    /// What is said instead of the time.
    enum Lie: CaseIterable { case past, century, noTime, missing, soon }

    struct Asking {
        let inquiry: Inquiry
        var next = 0
        var line = 0
    }

    /// What an answer means, as ``Ledger`` reads it.
    enum Meaning {
        /// No end is planned.
        case nothing
        /// It says nothing about an end.
        case aside
        /// A checkpoint is recommended; with `withdraws`, no end is planned.
        case saves(String, withdraws: Bool = false)
        /// In nanoseconds; nil where nobody can tell. The same words are the same notice.
        case ends(Int64?, action: String, words: String)

        var text: String {
            switch self {
            case .nothing: "nothing"
            case .aside: "aside"
            case .saves(let identity, let withdraws):
                "\(withdraws ? "saves-only" : "saves"):\(identity)"
            case .ends(let left, let action, let words):
                "ends:\(left.map { "\($0)" } ?? ""):\(action):\(words)"
            }
        }
    }

    var ending: Ending?
    /// That it would be well to save.
    var recommendation: String?
    /// How often anything has changed.
    var version = 1
    var token: String?
    var tokens = 0
    var asking: [InquiryID: Asking] = [:]
    /// When the machine is cut off.
    var cutAt: Int64?
    /// A signal has said so too, which nobody can take back.
    var isSignalled = false
    /// The supervisor that runs was told the machine's name.
    var isNamed = false
}

extension SuperviseCore.PreemptSource {
    static let base = "http://cloud"

    var kind: Cloud.Kind {
        switch self {
        case .aws: .aws
        case .gcp: .gcp
        case .azure: .azure
        case .program: .program
        }
    }
}

extension Cloud {
    /// All but its second is left out.
    static func second(_ time: Timestamp) -> Timestamp {
        Timestamp(milliseconds: time.milliseconds / 1000 * 1000)
    }

    /// As HTTP writes it, from `2026-11-21T05:04:01.123Z`.
    static func http(_ time: Timestamp) -> String {
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let parts = "\(time)".split { "-T.".contains($0) }
        let month = months[(Int(parts[1]) ?? 1) - 1]
        return "Thu, \(parts[2]) \(month) \(parts[0]) \(parts[3]) GMT"
    }
}
