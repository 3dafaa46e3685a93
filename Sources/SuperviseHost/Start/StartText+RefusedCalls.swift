import SuperviseFormats
import SuperviseSystem

extension StartText {
    /// nil where nothing is refused.
    package static func line(_ refused: [RefusedCall]) -> String? {
        guard let (what, advice) = finding(refused) else { return nil }
        return "\(what); \(advice)"
    }

    /// The refused calls, what that means and what to do; nil if none is refused.
    package static func finding(_ refused: [RefusedCall]) -> (what: String, advice: String)? {
        guard let first = refused.first else { return nil }
        let names = joined(refused.map(\.name), with: ", ")
        let verb = refused.count == 1 ? "is" : "are"
        return (
            "\(names) \(verb) refused here (\(errorText(first.code))), so processes are signalled by "
                + "their numbers, after a second look at them",
            "allow \(refused.count == 1 ? "it" : "them") in the sandbox's profile (seccomp), or use "
                + "Linux 5.4 or newer"
        )
    }
}
