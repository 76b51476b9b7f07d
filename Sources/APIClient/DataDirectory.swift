import Linux

/// Where an instance keeps everything: the one list of names below its data directory.
package struct DataDirectory: Hashable, Sendable {
    /// Absolute.
    package let path: String

    package init(_ path: String) { self.path = Files.absolute(path) }

    /// `--data-dir`, else `STEADY_DATA_DIR`, else `steady` below `XDG_STATE_HOME` (`~/.local/state`), as the XDG base directory specification
    /// has it for state; relative paths in the environment are passed over, as it asks.
    ///
    /// The home is `HOME`, else the user database's. Who has neither must name a directory: one that everybody may write in could hold an
    /// instance that another user has put there.
    ///
    /// - Parameters:
    ///   - environment: a variable's value; nil where it is not set.
    ///   - home: this user's home in the user database; nil for a user that is not in it.
    package static func chosen(
        _ argument: String?, environment: (String) -> String? = Processes.environment, home: () -> String? = { Ownership.home }
    ) throws(NoDataDirectory) -> DataDirectory {
        if let argument { return DataDirectory(argument) }
        if let named = environment("STEADY_DATA_DIR"), !named.isEmpty { return DataDirectory(named) }
        guard let state = stateHome(environment: environment, home: home) else { throw NoDataDirectory() }
        return DataDirectory(state + "/steady")
    }

    /// Where this user's programs keep state: `XDG_STATE_HOME`, else `.local/state` in the home; nil for a user without one.
    package static func stateHome(
        environment: (String) -> String? = Processes.environment, home: () -> String? = { Ownership.home }
    ) -> String? {
        if let state = environment("XDG_STATE_HOME"), state.hasPrefix("/") { return state }
        return [environment("HOME"), home()].compactMap { $0 }.first { $0.hasPrefix("/") }.map { $0 + "/.local/state" }
    }

    /// The API's Unix socket.
    package var apiSocket: String { path + "/api.sock" }
    /// The API's TCP address as text, written once it listens.
    package var apiAddressFile: String { path + "/api.address" }
    package var kubeconfig: String { path + "/kubeconfig" }
    /// What the proxies sign clients' session tokens with.
    package var sessionSecret: String { path + "/session.key" }
    /// `up`'s control socket and descriptor store.
    package var hostSocket: String { path + "/up.sock" }
    package var hostLock: String { path + "/up.lock" }
    /// The arguments of `up`, for whoever starts it again.
    package var hostRecord: String { path + "/up.json" }
    /// How the last upgrade went, or goes.
    package var upgradeRecord: String { path + "/upgrade.json" }
    /// Copies of the programs that an upgrade can go back to.
    package var programs: String { path + "/programs" }
    package var journal: String { path + "/journal" }
    /// How far the journal was durable once: who finds it shorter knows that something was taken from it.
    package var journalReached: String { path + "/journal.reached" }
    /// Why things were decided, apart from the journal.
    package var decisionLog: String { path + "/decisions.log" }
    /// Where the scheduled snapshots are kept.
    package var snapshots: String { path + "/snapshots" }
    package var roles: String { path + "/roles" }
    /// Held for as long as the role runs; its content is the role's process id.
    package func roleLock(_ role: String) -> String { "\(roles)/\(role).lock" }
    /// That a stop is under way; see `Host`'s `StopNote`.
    package var stopNote: String { "\(roles)/up.stop" }
    /// Where the role logs; older parts are kept beside it.
    package func roleLog(_ role: String) -> String { "\(roles)/\(role).log" }
    /// What a proxy tells of requests, where a TrafficPolicy asks for it: read by `steady logs --role access`.
    package func accessLog(_ proxy: String) -> String { roleLog("access-\(proxy)") }
    /// The socket on which a role serves logs and metrics.
    package func roleSocket(_ role: String) -> String { "\(roles)/\(role).sock" }
    package var nodes: String { path + "/nodes" }
    /// What an agent keeps for its node.
    package func node(_ name: String) -> String { "\(nodes)/\(name)" }

    /// Where the node of this directory keeps what need not outlive a boot: a link to a directory in memory, or a directory.
    package static func run(ofNode directory: String) -> String { directory + "/run" }

    /// Whether an instance was here and all of it has died: its sockets are there, and nobody is behind them. Not while a role lives, which brings `up`
    /// back in a moment.
    package var isDeserted: Bool { Self.refuses(apiSocket, .stream) && Self.refuses(hostSocket, .sequencedPackets) && !roleLives }

    /// One that was left behind does at once; one that is not there counts as well.
    private static func refuses(_ socket: String, _ type: Sockets.SocketType) -> Bool {
        do throws(LinuxError) {
            closeDescriptor(try Sockets.connect(to: .unix(socket), type: type))
            return false
        } catch { return error.isRefusal || !Files.exists(socket) }
    }

    /// Whether any process holds the lock of a role. Asked by whoever finds no answer, beside an `up` that starts: no lock is taken for it.
    package var roleLives: Bool {
        ((try? Files.list(roles)) ?? []).contains { $0.hasSuffix(".lock") && (try? FileLock.isHeld("\(roles)/\($0)")) ?? true }
    }

    /// All that an instance keeps. What says that there is a journal goes before it. The lock goes last: until then nobody else starts here.
    package var everything: [String] {
        let nodeNames = (try? Files.list(nodes)) ?? []
        let inMemory = nodeNames.compactMap { Files.linkTarget(Self.run(ofNode: node($0))) }.filter { VolatileDirectory.all.contains($0) }
        // What `snapshot restore --replace` has put aside.
        let replaced = ((try? Files.list(path)) ?? []).filter { $0.hasPrefix("journal.replaced-") }.map { "\(path)/\($0)" }
        return inMemory + replaced + [
            hostRecord, journalReached, journalReached + ".tmp", journal, snapshots, decisionLog, nodes, roles, programs, upgradeRecord,
            hostSocket, apiSocket, apiAddressFile, kubeconfig, sessionSecret, hostLock,
        ]
    }

    /// Deletes everything, also behind what cannot be deleted; returns the first reason why not all of it is gone. What is left of one that was cut off
    /// is what the next `up` reads as it is: the whole state without its record, as after a restored snapshot, or none.
    ///
    /// - Parameter count: so many of the paths of `everything`; fewer than all only where a test cuts it off.
    @discardableResult
    package func purge(upTo count: Int = .max) -> LinuxError? {
        var failure: LinuxError?
        for path in everything.prefix(count) {
            do throws(LinuxError) {
                // Part of a journal would be a damaged one.
                if path == journal, Files.exists(journal) { try Files.move(journal, to: purgedJournal) }
                try Files.removeTree(path == journal ? purgedJournal : path)
            } catch { failure = failure ?? error }
        }
        return failure
    }

    /// Like one that `snapshot restore --replace` has put aside: the next purge finds it.
    private var purgedJournal: String { journal + ".replaced-purged" }
}

/// Nothing says where the instance's data directory is.
package struct NoDataDirectory: Error, Hashable, CustomStringConvertible {
    package var description: String {
        "no data directory: HOME is not set, and this user has no home in the user database; name one with --data-dir or STEADY_DATA_DIR"
    }
}
