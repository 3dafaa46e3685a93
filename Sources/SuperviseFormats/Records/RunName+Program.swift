extension RunName {
    /// What a command runs, whatever its arguments, its path and the version of its interpreter are.
    ///
    /// The base name of the program, such as `train`; of the script where an interpreter runs one
    /// (`train.py`), the name of the module after `-m`, and for code on the command line the family of
    /// the interpreter (`python`, `sh`).
    package static func program(of command: [String]) -> String {
        let program = baseName(command.first ?? "")
        guard let interpreter = Interpreter.named(program) else { return program }
        switch interpreter.subject(in: command.dropFirst()) {
        case .script(let path): return baseName(path)
        case .module(let name): return name
        case .code: return interpreter.family
        }
    }
}

/// A program that runs a script, and its options that take a value.
struct Interpreter {
    let name: String
    var family: String
    /// Letters of options that take the rest of the word as value, or the next word.
    var valued = ""
    /// Letters that take the rest of the word and never the next one.
    var attached = ""
    /// Letters that say that the code is on the command line, or comes on standard input.
    var code = ""
    /// Letters whose value is a module, or the script.
    var module = ""
    var file = ""
    /// Long options that take the next word.
    var long: Set<String> = []
    /// Long options that say that the code is on the command line.
    var longCode: Set<String> = []

    enum Subject: Equatable {
        case script(String)
        case module(String)
        /// Also where nothing is named at all.
        case code
    }

    init(_ name: String, family: String? = nil, _ change: (inout Interpreter) -> Void) {
        self.name = name
        self.family = family ?? name
        change(&self)
    }

    /// - Parameter program: a base name; `python3.11` is a version of `python`.
    static func named(_ program: String) -> Interpreter? {
        all.first { interpreter in
            program.hasPrefix(interpreter.name)
                && program.dropFirst(interpreter.name.count).allSatisfy {
                    $0.isASCII && ($0.isNumber || $0 == ".")
                }
        }
    }

    /// - Parameter arguments: those of the interpreter.
    func subject(in arguments: ArraySlice<String>) -> Subject {
        var rest = arguments
        while let word = rest.popFirst() {
            if word == "--" { return rest.first.map { .script($0) } ?? .code }
            if word.hasPrefix("--") {
                let option = word.prefix { $0 != "=" }
                if longCode.contains(String(option)) { return .code }
                if option == word, long.contains(word) { _ = rest.popFirst() }
                continue
            }
            guard word.hasPrefix("-") || word.hasPrefix("+"), word != "-" else {
                return word == "-" ? .code : .script(word)
            }
            if let subject = read(word.dropFirst(), &rest) { return subject }
        }
        return .code
    }

    /// Short options, several of which may be in one word.
    private func read(_ letters: Substring, _ rest: inout ArraySlice<String>) -> Subject? {
        var letters = letters
        while let letter = letters.popFirst() {
            if code.contains(letter) { return .code }
            if attached.contains(letter) { return nil }
            guard valued.contains(letter) || module.contains(letter) || file.contains(letter)
            else { continue }
            let value = letters.isEmpty ? rest.popFirst() : String(letters)
            if module.contains(letter) { return value.map { .module($0) } ?? .code }
            return file.contains(letter) ? value.map { .script($0) } ?? .code : nil
        }
        return nil
    }

    private static let all = [
        Interpreter("python", python), Interpreter("pypy", family: "python", python),
        Interpreter("bash", family: "sh", shell), Interpreter("sh", shell),
        Interpreter("dash", family: "sh", shell), Interpreter("zsh", family: "sh", shell),
        Interpreter("perl") {
            $0.valued = "I"
            $0.attached = "0CDFMVilmx"
            $0.code = "eE"
        },
        Interpreter("ruby") {
            $0.valued = "CEIr"
            $0.attached = "0FKTWix"
            $0.code = "e"
        },
        Interpreter("node") {
            $0.valued = "Cr"
            $0.code = "eip"
            $0.long = [
                "--conditions", "--experimental-loader", "--import", "--loader", "--require",
            ]
            $0.longCode = ["--eval", "--print"]
        },
        Interpreter("Rscript") { $0.code = "e" },
        Interpreter("julia") {
            $0.valued = "CHJLpt"
            $0.attached = "Og"
            $0.code = "eE"
            $0.module = "m"
            $0.long = ["--cpu-target", "--load", "--machine-file", "--procs", "--sysimage"]
            $0.longCode = ["--eval", "--print"]
        },
        Interpreter("lua") {
            $0.valued = "l"
            $0.code = "e"
        },
        Interpreter("php") {
            $0.valued = "cdtz"
            $0.code = "BEFRr"
            $0.file = "f"
            $0.long = ["--define", "--php-ini"]
            $0.longCode = ["--run"]
        },
    ]

    private static func python(_ python: inout Interpreter) {
        python.valued = "QWX"
        python.code = "c"
        python.module = "m"
        python.long = ["--check-hash-based-pycs"]
    }

    private static func shell(_ shell: inout Interpreter) {
        shell.valued = "oO"
        shell.code = "cs"
        shell.long = ["--init-file", "--rcfile"]
    }
}
