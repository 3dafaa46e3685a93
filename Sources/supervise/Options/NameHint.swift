import SuperviseFormats
import SuperviseHost
import SuperviseText

/// What to do about a name that is none.
enum NameHint {
    /// About the instance of a unit that was escaped by systemd-escape(1), which names of runs do not need.
    ///
    /// - Parameter text: a name, or the path of a configuration that is called after it.
    /// - Returns: a half sentence with its separator in front; nil if nothing in it is escaped.
    static func escaped(_ text: String) -> String? {
        var name = FilePath(text).name
        if name.hasSuffix(".json") { name.removeLast(5) }
        guard let plain = EscapedName.plain(name) else { return nil }
        let shown = HumanText.printable(plain)
        guard RunName(plain) != nil else {
            return "; that is \"\(shown)\" as systemd-escape writes it: give the unit a name of "
                + "letters, digits and . _ -"
        }
        return
            "; that is \(shown) as systemd-escape writes it, and names of runs need no escapes: "
            + "call the unit supervise@\(shown), and its configuration \(shown).json"
    }
}
