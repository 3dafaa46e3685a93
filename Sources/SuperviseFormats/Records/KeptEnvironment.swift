/// The variables of the environment that a run record keeps.
///
/// `supervise resume` gives them to the job again, so that a command is found and computes as it did in the
/// shell that began the run. Only the variables that are named are ever stored. JSON: an object of names and
/// values; null for a variable that was not set.
package struct KeptEnvironment: Codable, Equatable, Sendable {
    /// The value of each kept variable; nil for one that was not set.
    package private(set) var values: [String: String?]

    /// The variables that are always kept.
    package static let standard = [
        "CONDA_PREFIX", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH",
        "VIRTUAL_ENV",
    ]

    /// The variables of the locale, which are always kept.
    package static let locale = [
        "LANG", "LANGUAGE", "LC_ALL", "LC_COLLATE", "LC_CTYPE", "LC_MESSAGES", "LC_MONETARY",
        "LC_NUMERIC", "LC_TIME",
    ]

    /// Takes the kept variables out of an environment.
    ///
    /// - Parameters:
    ///   - names: variables to keep beside ``standard`` and ``locale``.
    ///   - environment: names and values; the first of two with one name counts.
    package init(alsoKeeping names: [String] = [], of environment: [(String, String)]) {
        values = [:]
        for name in Self.standard + Self.locale + names {
            values[name] = .some(environment.first { $0.0 == name }?.1)
        }
    }

    package init(from decoder: any Decoder) throws {
        values = try decoder.singleValueContainer().decode([String: String?].self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(values)
    }

    /// The value of a kept variable; nil where it was not set or is not kept.
    package func value(of name: String) -> String? { values[name] ?? nil }

    /// `environment` with the kept variables as they were kept, and the others as they are.
    package func applied(to environment: [(String, String)]) -> [(String, String)] {
        var seen: Set<String> = []
        var result: [(String, String)] = []
        for (name, value) in environment {
            guard let kept = values[name] else {
                result.append((name, value))
                continue
            }
            if let kept, seen.insert(name).inserted { result.append((name, kept)) }
        }
        for (name, kept) in values.sorted(by: { $0.key < $1.key }) {
            if let kept, seen.insert(name).inserted { result.append((name, kept)) }
        }
        return result
    }

    /// The kept variables that have another value in `environment`, in order of their names.
    package func differences(from environment: [(String, String)]) -> [String] {
        values.keys.sorted().filter { name in
            // By their bytes: to Swift, two spellings of an accent are equal.
            let here = environment.first { $0.0 == name }.map { Array($0.1.utf8) }
            return here != value(of: name).map { Array($0.utf8) }
        }
    }
}
