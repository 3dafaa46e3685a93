import SuperviseCore
import SuperviseFormats
import SuperviseSystem
import SuperviseText

/// Messages about places that another user may change.
package enum PlaceText {
    /// Names the directory and its owner, such as `/home/ada belongs to user ada (1000)`.
    package static func what(_ weakness: PlaceTrust.Weakness) -> String {
        let step = weakness.step
        let path = HumanText.printable(step.path)
        let owner = UserDatabase().description(of: step.user)
        let mode = String(step.mode, radix: 8)
        return switch weakness.reason {
        case .owned: "\(path) belongs to \(owner)"
        case .writableByGroup:
            "\(path) may be written to by group \(step.group) (mode \(mode), of \(owner))"
        case .writableByAll:
            "\(path) may be written to by everybody (mode \(mode), of \(owner))"
        }
    }

    /// - Parameter option: that gives another place.
    static func refusal(_ weakness: PlaceTrust.Weakness, option: String) -> String {
        let place = beside(weakness.step.path)
        let make = HumanText.commandLine(["install", "-d", "-m", "711", place])
        let give = HumanText.commandLine([option, place])
        return "with --user, root keeps nothing below a directory that another user can change: "
            + "\(what(weakness)), and who can change it could put another run or a link there; make a "
            + "directory of root's beside it (\(make)) and give \(give), or run the job in a unit of "
            + "that user (systemctl --user)"
    }

    static func warning(_ weakness: PlaceTrust.Weakness) -> String {
        "\(what(weakness)): who can change it can put other files in place of this run's; keep runs "
            + "below directories that only you and root can change (--state-dir, --checkpoint-dir)"
    }

    package static func beside(_ path: String) -> String {
        path == "/" ? "/supervise" : "\(path).supervise"
    }
}
