import SuperviseHost
import SuperviseSystem

/// What is asked of the machine and is not there yet.

func freeSignal(_ name: String) -> Int32? {
    ["SIGUSR1": 10, "SIGUSR2": 12, "SIGQUIT": 3][name.hasPrefix("SIG") ? name : "SIG\(name)"]
}
func environmentVariables() -> [(String, String)] { [] }
func currentDirectory() throws(SystemError) -> String { "/" }
func terminalWidth() -> Int? { nil }
func wallClockNow() -> Int64 { 0 }
func ensureStandardDescriptors() {}
func writeStandardError(_ text: String) { print(text) }
func writeStandardOutput(_ text: String) throws(SystemError) { print(text) }
func exitProcess(_ status: Int32) -> Never { fatalError() }
func dieBySignal(_ status: Int32) -> Never { fatalError() }
func readSmallFile(_ path: String) throws(SystemError) -> String { "" }
func run(_ request: RunRequest) -> RunResult { .exit(125) }
