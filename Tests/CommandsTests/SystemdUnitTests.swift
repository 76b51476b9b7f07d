import Foundation
import Linux
import Testing

@testable import Commands

struct SystemdUnitTests {
    @Test func `the unit keeps pods when up dies, and stops with steady down`() throws {
        let unit = try Capture(["install", "--system", "--print", "--data-dir", "/srv/x"]).output
        for line in [
            "KillMode=process", "Delegate=yes", "AmbientCapabilities=CAP_NET_BIND_SERVICE", "Restart=on-failure",
            "WantedBy=multi-user.target", "ExecStop=-\(Processes.executablePath()) down --data-dir /srv/x",
        ] { #expect(unit.contains(line + "\n"), "\(line)") }
        #expect(unit.contains(" up --data-dir /srv/x\n") && unit.contains(" down --data-dir /srv/x\n"))
        #expect(!unit.contains("StateDirectory"))
        #expect(!(try Capture(["install", "--user", "--print", "--data-dir", "/srv/x"])).output.contains("AmbientCapabilities"))
        #expect(
            SystemdUnit(isSystem: true, program: "/bin/steady", directory: "/var/lib/steady").text.contains("\nStateDirectory=steady\n"))
    }

    /// Quoting, specifiers and C escapes as systemd.service(5), "Command lines", has them.
    @Test(arguments: [
        ("/usr/bin/steady", "/usr/bin/steady"), ("/opt/my tools/steady", "\"/opt/my tools/steady\""), ("/a%b", "/a%%b"), ("/a$b", "/a$$b"),
        ("/a\"b", "\"/a\\\"b\""), ("/a\\b", "\"/a\\\\b\""), ("/a\nb", "\"/a\\x0ab\""), ("/a'b", "\"/a'b\""), ("/a;b", "\"/a;b\""),
        ("/ä", "\"/ä\""),
    ])
    func `a path stays one word, whatever is in it`(path: String, word: String) {
        #expect(SystemdUnit.argument(path) == word)
    }

    @Test func `a dollar stands for itself in the program's path`() {
        #expect(SystemdUnit.word("/a$b%c") == "/a$b%%c")
    }

    @Test(arguments: [("/opt/my %tools$/steady", true), ("/a\"b", false), ("/a'b", false), ("/a\\b", false), ("/a\nb", false)])
    func `a program that systemd would not run is known before`(path: String, isAllowed: Bool) {
        #expect(SystemdUnit.allows(program: path) == isAllowed)
    }

    private static let analyzer = "/usr/bin/systemd-analyze"

    @Test(.enabled("systemd-analyze is not installed") { Files.isExecutable(Self.analyzer) }, arguments: [true, false])
    func `systemd finds nothing wrong with the unit, wherever the program and the data are`(isSystem: Bool) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("a b%c$d-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let program = folder.appendingPathComponent("ste ady").path
        try FileManager.default.copyItem(atPath: "/bin/true", toPath: program)
        let unit = folder.appendingPathComponent("steady.service")
        try SystemdUnit(isSystem: isSystem, program: program, directory: folder.path + "/\"data\\ $x").text
            .write(to: unit, atomically: true, encoding: .utf8)
        let check = Process()
        check.executableURL = URL(fileURLWithPath: Self.analyzer)
        check.arguments = [isSystem ? "--system" : "--user", "--man=no", "--recursive-errors=no", "verify", unit.path]
        // Where a user's manager would be; nothing of it is there.
        check.environment = ProcessInfo.processInfo.environment.merging(["XDG_RUNTIME_DIR": folder.path]) { $1 }
        let said = Pipe()
        check.standardError = said
        check.standardOutput = said
        try check.run()
        let words = String(decoding: said.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        check.waitUntilExit()
        #expect(check.terminationStatus == 0, "\(words)")
        // It warns where it goes on without what it does not understand.
        #expect(!words.contains("steady.service:"), "\(words)")
    }
}
