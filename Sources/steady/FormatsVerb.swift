import APIClient
import Commands
import Formats
import Host
import Linux
import NodeAgent
import Storage

/// `steady formats`: what an upgrade asks of a program before it lets it near an instance. Beside the formats it says which program file it is, which
/// tells a script that starts a steady from that.
enum FormatsVerb {
    static let verb = Verb(
        "formats", group: .hidden, summary: "Print the version, the formats that are read and written, and which program file this is",
        run: { try run($0) })

    /// The file on disk that has it, or what keeps it, in words.
    static let statement = ProgramStatement(
        version: Program.version,
        formats: [
            .init("the journal's layout", upTo: StoredFormat.layout), .init("the journal's content", upTo: StoredFormat.content),
            .init("the nodes' records", upTo: NodeFormat.newest), .init("the instance's record (up.json)", upTo: HostConfiguration.format),
            .init("the upgrade's record (upgrade.json)", upTo: UpgradeRecord.format),
        ])

    private static func run(_ invocation: Invocation) throws(CommandError) -> Int32 {
        var out = statement.value
        out["identity"] = .string(Release.program)
        out["path"] = .string(Processes.executablePath())
        invocation.terminal.line(JSON.text(out))
        return 0
    }
}
