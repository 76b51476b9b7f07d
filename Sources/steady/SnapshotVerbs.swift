import APIClient
import Commands
import Formats
import Host
import Linux
import Resources
import Storage
import Timing
import Transport

/// `steady snapshot …`: the whole state as a file that can be carried away and brought back.
enum SnapshotVerbs {
    static let all = [
        Verb(
            "snapshot save", group: .other, summary: "Keep the whole state in a file", usage: "FILE",
            notes: """
                Takes the state of one moment: from the running instance while it goes on, else from the data directory of a stopped one.
                The file is checked before it gets its name, and is readable for you alone: Secrets are in it.
                """,
            examples: [
                ("of the running instance", "steady snapshot save before-upgrade.steady"),
                ("of a stopped one", "steady snapshot save web.steady --data-dir /srv/steady"),
            ],
            flags: [Flag("force", nil, .toggle, "replace the file where it exists")], run: { try save($0) }),
        Verb(
            "snapshot restore", group: .other, summary: "Make a data directory of a snapshot", usage: "FILE",
            notes: """
                The directory must be empty, or have nothing but snapshots; the next up on it starts what the snapshot holds.
                After damage: --replace moves the stored state of a stopped instance aside and puts the snapshot in its place.
                """,
            examples: [
                ("on an empty machine", "steady snapshot restore web.steady && steady up"),
                ("beside a running instance", "steady snapshot restore web.steady --data-dir /tmp/other"),
                (
                    "the newest scheduled one, after damage",
                    "steady snapshot restore --replace \"$(ls ~/.local/state/steady/snapshots/*.steady | tail -n 1)\""
                ),
            ],
            flags: [Flag("replace", nil, .toggle, "move a stored state that is there aside, and keep it")], run: { try restore($0) }),
        Verb(
            "snapshot inspect", group: .other, summary: "Check a snapshot and say what it holds", usage: "FILE",
            notes: "Reads the whole file, compares every checksum and parses every object. The exit code is 1 when anything is wrong.",
            examples: [
                ("what is in it", "steady snapshot inspect web.steady"), ("for scripts", "steady snapshot inspect web.steady -o json"),
            ],
            flags: [Flag("output", "o", .value(placeholder: "json"), "json")], run: { try inspect($0) }),
    ]

    /// How many scheduled snapshots may stay.
    static let keepRange = 1...10_000

    static let scheduleFlags = [
        Flag(
            "snapshot-every", nil, .value(placeholder: "DURATION"),
            "how often a snapshot is kept in the data directory, below snapshots/ (default: 1h; 0: never)"),
        Flag("snapshot-keep", nil, .value(placeholder: "N"), "how many of them stay; the oldest go (default: 24)"),
    ]

    private static func file(_ invocation: Invocation) throws(CommandError) -> String {
        guard invocation.words.count == 1, let path = invocation.words.first else {
            throw .usage("\(invocation.verb.name) takes the name of one file; found \(invocation.words.count)")
        }
        return Files.absolute(path)
    }

    // MARK: Save

    private static func save(_ invocation: Invocation) throws -> Int32 {
        let path = try file(invocation)
        if Files.isDirectory(path) { throw CommandError("\(path) is a directory; name a file in it, as \(path)/web.steady") }
        guard invocation.isSet("force") || !Files.exists(path) else {
            throw CommandError("\(path) exists; choose another name, or replace it with --force")
        }
        let directory = try invocation.dataDirectory
        let contents: SnapshotContents
        if invocation.value("server") != nil || Files.exists(directory.apiSocket) && Instance.isReady(directory) {
            contents = try receive(invocation, path)
        } else {
            contents = try saveStopped(directory, path)
        }
        invocation.terminal.line(
            "snapshot saved to \(path): revision \(contents.revision), \(contents.objectCount) objects, \(contents.byteCount) bytes")
        return 0
    }

    /// The state of the running instance as a file that is proved whole.
    static func receive(_ invocation: Invocation, _ path: String) throws -> SnapshotContents {
        let api = try Instance.connect(invocation)
        let temporary = SnapshotFiles.temporaryName(path)
        let file = try DiskFile(new: temporary)
        var offset = 0
        var isOver = false
        var failure: (any Error)?
        _ = api.remote.stream(ClientRequest("GET", "/snapshot")) { bytes in
            guard failure == nil else { return }
            do throws(LinuxError) { try file.write(bytes, at: offset) } catch { failure = error }
            offset += bytes.count
        } onEnd: { error in
            if let error, failure == nil { failure = CommandError(error) }
            isOver = true
        }
        while !isOver, failure == nil { api.loop.runUntil(within: .seconds(3600)) { isOver || failure != nil } }
        file.close()
        if let failure {
            try? Files.removeTree(temporary)
            throw failure
        }
        return try SnapshotFiles.keep(temporary, as: path)
    }

    /// Nobody may start the instance meanwhile, and no server of it may be left.
    private static func saveStopped(_ directory: DataDirectory, _ path: String) throws -> SnapshotContents {
        guard Files.exists(directory.journal) else {
            throw CommandError("no instance is kept in \(directory.path); name its directory with --data-dir or STEADY_DATA_DIR")
        }
        let locks = try lock(directory)
        defer { locks.forEach { $0.release() } }
        let reached = HostRole.knowsReach(directory) ? directory.journalReached : nil
        return try SnapshotFiles.save(journal: directory.journal, reached: reached, as: path)
    }

    private static func lock(_ directory: DataDirectory) throws -> [FileLock] {
        var locks: [FileLock] = []
        try Files.makeDirectories(directory.roles)
        for path in [directory.hostLock, directory.roleLock("server")] {
            guard let lock = try FileLock.take(path) else {
                locks.forEach { $0.release() }
                throw CommandError(
                    "an instance holds \(directory.path) and does not answer; stop it with: steady down --data-dir \(directory.path)")
            }
            locks.append(lock)
        }
        return locks
    }

    // MARK: Restore

    private static func restore(_ invocation: Invocation) throws -> Int32 {
        let path = try file(invocation)
        let directory = try invocation.dataDirectory
        // What cannot be restored changes nothing.
        _ = try SnapshotFiles.inspect(path)
        if Instance.isReady(directory) {
            throw CommandError(
                "an instance runs on \(directory.path); stop it with: steady down, or restore into another directory with --data-dir")
        }
        let found = Files.exists(directory.path) ? try Files.list(directory.path) : []
        let isEmpty = Set(found).isSubset(of: [Files.name(of: directory.snapshots)])
        guard isEmpty || invocation.isSet("replace") else {
            throw CommandError(
                "\(directory.path) is not empty (it has \(list(found))): choose an empty directory with --data-dir, or move the stored state aside "
                    + "with --replace")
        }
        let locks = try lock(directory)
        defer { locks.forEach { $0.release() } }
        var aside: String?
        if Files.exists(directory.journal) {
            let kept = directory.journal + ".replaced-" + Clock.realtime().rfc3339.split(separator: ":").joined(separator: "-")
            try Files.move(directory.journal, to: kept)
            aside = kept
        }
        let contents: SnapshotContents
        do {
            contents = try SnapshotFiles.restore(path, journal: directory.journal, reached: directory.journalReached)
        } catch {
            if let aside { try? Files.move(aside, to: directory.journal) }
            throw error
        }
        invocation.terminal.line("restored revision \(contents.revision), \(contents.objectCount) objects, to \(directory.path)")
        if let aside { invocation.terminal.line("what was there is kept as \(aside)") }
        for resource in contents.unknownResources {
            invocation.terminal.complain("warning: this version does not serve \(resource); what the snapshot has of it is left out")
        }
        let place = invocation.isGiven("data-dir") ? " --data-dir \(directory.path)" : ""
        invocation.terminal.line("start it with: steady up\(place)\(shape(of: contents))")
        return 0
    }

    /// The flags of `up` that bring back the nodes that a snapshot has, as far as flags can; empty where they are those of a plain `up`.
    private static func shape(of contents: SnapshotContents) -> String {
        let zones = contents.zones.map(\.name)
        let nodesPerZone = contents.zones.map(\.nodeCount).max() ?? 1
        let plain = HostConfiguration()
        return (zones.isEmpty || zones == plain.zones ? "" : " --zones \(zones.joined(separator: ","))")
            + (nodesPerZone == plain.nodesPerZone ? "" : " --nodes-per-zone \(nodesPerZone)")
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(4).joined(separator: ", ") + (names.count > 4 ? " and \(names.count - 4) more" : "")
    }

    // MARK: Inspect

    private static func inspect(_ invocation: Invocation) throws -> Int32 {
        let path = try file(invocation)
        let output = invocation.value("output")
        if let output, output != "json" { throw CommandError.usage("--output: found \"\(output)\", allowed is json") }
        let contents = try SnapshotFiles.inspect(path)
        let counts = contents.counts.map { (name: $0.type.qualifiedName, count: $0.count) }
        if output == nil {
            describe(contents, path, counts, invocation.terminal)
        } else {
            var objects: Value = [:]
            for entry in counts { objects[entry.name] = .int(Int64(entry.count)) }
            invocation.terminal.write(
                JSON.text(
                    [
                        "file": .string(path), "revision": .int(Int64(contents.revision)), "format": .string(contents.format),
                        "time": contents.time.map { .string($0.rfc3339) } ?? .null, "bytes": .int(Int64(contents.byteCount)),
                        "checksums": "ok", "objectCount": .int(Int64(contents.objectCount)), "objects": objects,
                        "unknownResources": .array(contents.unknownResources.map { .string($0) }),
                    ], pretty: true))
        }
        return 0
    }

    private static func describe(
        _ contents: SnapshotContents, _ path: String, _ counts: [(name: String, count: Int)], _ terminal: Terminal
    ) {
        let age = contents.time.map { " (\(HumanDuration.age($0, now: Clock.realtime())) ago)" } ?? ""
        terminal.line("File:       \(path)")
        terminal.line("Revision:   \(contents.revision)")
        terminal.line("Taken:      \(contents.time.map(\.rfc3339) ?? "<unknown>")\(age)")
        terminal.line("Format:     \(contents.format)")
        terminal.line("Size:       \(contents.byteCount) bytes")
        terminal.line("Checksums:  ok")
        terminal.line("Objects:    \(contents.objectCount)")
        if !contents.zones.isEmpty {
            terminal.line("Nodes:      \(contents.zones.map { "\($0.nodeCount) in zone \($0.name)" }.joined(separator: ", "))")
        }
        if counts.isEmpty { return }
        let width = (counts.map(\.name.count).max() ?? 0) + 3
        func row(_ name: String, _ count: String) {
            terminal.line(name + String(repeating: " ", count: max(1, width - name.count)) + count)
        }
        terminal.line("")
        row("RESOURCE", "COUNT")
        for entry in counts { row(entry.name, "\(entry.count)") }
        for resource in contents.unknownResources { row(resource, "<not served by this version>") }
    }
}
