import SuperviseSystem

let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.first == "puppet" {
    playPuppet()
} else if !playSystemScene(arguments) {
    writeStandardError("FixtureJob: no such scene: \(arguments)\n")
    exitProcess(2)
}
exitProcess(0)
