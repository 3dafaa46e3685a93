import SuperviseSystem

let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.first == "puppet" {
    playPuppet()
} else if arguments.first == "ask", arguments.count == 3 {
    askOnce(path: arguments[1], line: arguments[2])
} else if !playSystemScene(arguments) {
    writeStandardError("FixtureJob: no such scene: \(arguments)\n")
    exitProcess(2)
}
exitProcess(0)
