import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension Transcripts {
    /// Who asks for too much, of the disk, the processes, the connections, the memory or the store: it is bounded, and others do not feel it.
    @Suite(.serialized) struct OverloadTests {
        private static let connections = 50_000
        private static let crowds = 3
        /// Whether the process of a crowd may have as many descriptors as its part takes.
        private static let mayOpenAll: Bool = {
            var limit = rlimit()
            return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
                && limit.rlim_max >= rlim_t(connections / crowds + 64)
        }()

        @Test func `A program that prints without end keeps to its share of disk and memory, and its neighbour is served`() throws {
            let siege = try Siege(replicas: 2, zones: "a")
            defer { siege.stop() }
            let neighbour = try Neighbour(siege)
            let blocks = siege.instance.directory + "/blocks"
            try siege.instance.write("", to: blocks)
            let before = Weight(of: siege.pid(of: "agent-a1"))
            // More than any disk takes: as fast as it can.
            try siege.apply(Siege.deployment("flood", replicas: 1, environment: ["LOG_MB": "100000", "LOG_BLOCKS": blocks]))
            try siege.settle(1, of: "flood")
            let replicas = try siege.replicas(of: "flood")
            let output = try #require(Self.logs(below: siege.instance.dataDirectory, of: replicas.map(\.pid)))
            var most = 0
            var oldest: Set<Int> = []
            try siege.wait("pieces of the log make room for others") {
                let pieces = Self.pieces(in: output)
                most = max(most, pieces.reduce(0) { $0 + $1.size })
                oldest.formUnion(pieces.filter { $0.name.hasSuffix(".log.4") }.map(\.file))
                return oldest.count > 2
            }
            // Five pieces of 10 MiB, and what was read at once.
            #expect(most <= 51 << 20)
            let after = Weight(of: siege.pid(of: "agent-a1"))
            #expect(after.most - before.most < 64 << 10)
            try neighbour.isUnharmed()
            try siege.instance.steady("logs deployment/flood --tail 1")
            let waits = Siege.text(blocks).split(separator: "\n").compactMap { $0.split(separator: " ").first.flatMap { Int($0) } }
            print("log flood: agent \(before) -> \(after), logs \(most >> 20) MiB, longest wait of a write \(waits.max() ?? 20) ms or less")
        }

        @Test func `A program that multiplies is held to its limit, others go on, and all of it ends with its pod`() throws {
            let siege = try Siege(replicas: 2, zones: "a")
            defer { siege.stop() }
            let neighbour = try Neighbour(siege)
            let mark = "MARK=\(UUID().uuidString)"
            try siege.apply(Self.bomb(pids: 300, mark: mark, image: "replica:v1"))
            try siege.wait("it multiplies") { siege.processes(with: mark).count > 1 }
            // Where no control group may be written, root is bounded by nothing but itself; events are written behind what matters.
            var events = ""
            try siege.instance.wait("its start is told") {
                events = try siege.instance.steady("get events --field-selector involvedObject.name=bomb")
                return events.contains("Started")
            }
            let count = events.contains("LimitsNotEnforced") ? 2000 : 300
            try siege.wait("\(count) processes") { siege.processes(with: mark).count >= count }
            #expect(siege.processes(with: mark).count == count)
            try siege.instance.steady("scale deployment/web --replicas 3")
            try siege.settle(3)
            try siege.instance.steady("delete pod bomb")
            #expect(siege.processes(with: mark) == [])
            try neighbour.isUnharmed()
            print("fork bomb: \(count) processes, all gone; agent \(Weight(of: siege.pid(of: "agent-a1")))")
        }

        @Test(.enabled(if: Account.available.contains(.nobody), "only root can be somebody else"))
        func `Without rights for control groups a program that multiplies is stopped by its user's limit, which is said, and others go on`()
            throws
        {
            let instance = try Instance(as: .nobody)
            defer { instance.stop() }
            for program in ["replica", "load"] {
                try FileManager.default.copyItem(atPath: Instance.products + "/" + program, toPath: instance.directory + "/" + program)
            }
            // What its user may have in all; each program may make processes until there are half as many. Others of the user count as well.
            let half = Self.threads(of: 65_534) + 300
            let up = try instance.shell(
                "ulimit -u \(2 * half) && steady up --detach --zones a -f \(instance.manifest) && steady rollout status deployment/web --timeout 90s"
            )
            #expect(up.code == 0, "\(up.text)")
            let load = try ConstantLoad(
                instance.directory + "/load", port: instance.port, method: "get", mode: "close", rate: 50,
                ids: instance.directory + "/ids-of-load")
            defer { load.terminate() }
            let before = try instance.pods()
            let mark = "MARK=\(UUID().uuidString)"
            let bomb = instance.directory + "/bomb.yaml"
            try instance.write(
                Self.bomb(pids: 100, mark: mark, image: "none", command: "\"\(instance.directory)/replica\""), to: bomb)
            try instance.steady("apply -f \(bomb)")
            // Events are written behind what matters; before its start a pod has no log.
            var events = ""
            try instance.wait("its start is told") {
                events = try instance.steady("get events --field-selector involvedObject.name=bomb")
                return events.contains("Started") && events.contains("LimitsNotEnforced")
            }
            try instance.wait("it is refused more") { try instance.start("logs bomb").finish().out.contains("refused") }
            let count = Siege.processes(with: mark).count
            #expect(count > 1 && count < half, "\(count) of \(half)")
            #expect(
                events.contains("LimitsNotEnforced") && events.contains("steady.dev/pids") && events.contains("steady doctor"), "\(events)")

            // Who starts programs and who ends them still can: there is one replica more, then the bomb is gone.
            try instance.steady("scale deployment/web --replicas \(before.count + 1)")
            try instance.steady("rollout status deployment/web --timeout 90s")
            try instance.steady("delete pod bomb")
            #expect(Siege.processes(with: mark) == [])
            let after = try instance.pods()
            #expect(
                before.allSatisfy { pod in after.contains { $0.name == pod.name && $0.isReady && $0.restarts == pod.restarts } }, "\(after)"
            )
            let told = load.end()
            #expect(told.requestCount > 0 && told.failedCount == 0, "\(told)")
            print(
                "fork bomb of an ordinary user: \(count) processes, where its user may have \(half) in all; \(told.requestCount) requests, none failed"
            )
        }

        @Test func `Clients with 50,000 connections cost no more than is documented, and others are served`() throws {
            let siege = try Siege(replicas: 2, zones: "a")
            defer { siege.stop() }
            let neighbour = try Neighbour(siege)
            for (role, address) in [("proxy-1", "127.0.0.1:\(siege.instance.port)"), ("server", try api(siege))] {
                let before = Weight(of: siege.pid(of: role))
                // One process may not have so many descriptors.
                let crowds = try (0..<Self.crowds).map {
                    try python(OverloadScripts.hold, [address, "\(Self.connections / Self.crowds)", "\($0)"])
                }
                for crowd in crowds { #expect(crowd.waitForOutput("held", within: 240)) }
                let after = Weight(of: siege.pid(of: role))
                // Clients that come now find a place.
                for _ in 0..<20 {
                    #expect(throws: Never.self) {
                        try HandRequest.once(port: Int(address.split(separator: ":")[1]) ?? 0, path: role == "server" ? "/version" : "/")
                    }
                }
                try siege.instance.steady("get pods")
                #expect(after.most - before.most < 256 << 10)
                let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(siege.pid(of: role))/fd").count
                for crowd in crowds { crowd.terminate() }
                var open = 0
                for crowd in crowds {
                    let told = crowd.finish()
                    #expect(told.code == 0 && told.out.contains("tried"), "\(told.text)")
                    print("connections to \(role): \(told.out.split(separator: "\n").last ?? "")")
                    // "16666 tried, 16660 open, …"
                    let words = told.out.split(separator: "\n").last?.split(separator: " ") ?? []
                    open += words.count > 2 ? Int(words[2]) ?? 0 : 0
                }
                if Self.mayOpenAll {
                    #expect(open >= Self.connections - 1000, "\(open) were open")
                } else {
                    print("\(role): only \(open) were open, for no more descriptors are allowed")
                }
                print("\(role): \(descriptors) descriptors; \(before) -> \(after)")
            }
            try neighbour.isUnharmed()
        }

        @Test func `100 MB are refused in one sentence, and bodies under way take no more memory than is documented`() throws {
            let siege = try Siege(replicas: 1, zones: "a")
            defer { siege.stop() }
            let neighbour = try Neighbour(siege)
            let instance = siege.instance
            let path = instance.directory + "/large.yaml"
            _ = FileManager.default.createFile(atPath: path, contents: Data(repeating: UInt8(ascii: "#"), count: 100_000_000))
            for source in [path, "-"] {
                let command = "exec \(instance.directory)/steady apply --data-dir \(instance.dataDirectory) -f \(source)"
                let told = try Command(
                    "/bin/sh", ["-c", "cat \(path) | /usr/bin/python3 -c \"$0\" /bin/sh -c '\(command)'", OverloadScripts.weigh],
                    environment: ["PATH": "/usr/bin:/bin"]
                ).finish(within: 300)
                #expect(told.out.contains("exit 1") && told.out.contains("64 MiB"), "\(told.text)")
                let size = told.out.split(separator: " ").compactMap { Int($0) }.max() ?? .max
                #expect(size < 160 << 10, "\(told.text)")
                print("apply of 100 MB from \(source == "-" ? "a pipe" : "a file"): \(told.out.prefix(200))")
            }
            let server = siege.pid(of: "server")
            let before = Weight(of: server)
            let large = try python(OverloadScripts.largeBody, [api(siege)]).finish(within: 300)
            let rows = large.out.split(separator: "\n")
            #expect(rows.count == 2 && rows.allSatisfy { $0.hasPrefix("413 ") && $0.contains("8388608 bytes") }, "\(large.text)")
            let between = Weight(of: server)
            let many = try python(OverloadScripts.manyBodies, [api(siege)]).finish(within: 300)
            #expect(many.out.contains("refused: 429 1 the bodies of requests under way"), "\(many.text)")
            #expect(many.out.contains("small: 201") && many.out.contains("afterwards: 201"), "\(many.text)")
            let after = Weight(of: server)
            #expect(between.most - before.most < 64 << 10)
            #expect(after.most - between.most < 256 << 10)
            try neighbour.isUnharmed()
            print("bodies: server \(before) -> \(between) -> \(after)\n\(large.out)\(many.out)")
        }

        @Test func `Of 10,000 writes at once each is answered, none that was accepted is lost, and watchers hear of all`() throws {
            let siege = try Siege(replicas: 1, zones: "a")
            defer { siege.stop() }
            let neighbour = try Neighbour(siege)
            let server = siege.pid(of: "server")
            let before = Weight(of: server)
            let told = try python(OverloadScripts.applies, [api(siege)]).finish(within: 600)
            let after = Weight(of: server)
            #expect(siege.pid(of: "server") == server, "it was silent for so long that it was replaced")
            #expect(told.code == 0 && told.out.contains("unanswered 0 lost 0 unseen 0"), "\(told.text)")
            #expect(told.out.contains("after: 201"), "\(told.text)")
            let row = told.out.split(separator: "\n").first { $0.hasPrefix("{") } ?? ""
            let statuses = row.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
            #expect(statuses.filter { (100..<600).contains($0) }.allSatisfy { [201, 409, 429].contains($0) }, "\(row)")
            #expect(after.most - before.most < 256 << 10)
            try neighbour.isUnharmed()
            print("10,000 writes: \(told.out.split(separator: "\n").joined(separator: ", ")); server \(before) -> \(after)")
        }

        // MARK: - Around it

        /// A pod that makes 2,000 processes, if it may.
        ///
        /// - Parameters:
        ///   - mark: what its processes are known by, `NAME=VALUE` of their environment.
        ///   - command: the words; empty: the image's.
        private static func bomb(pids: Int, mark: String, image: String, command: String = "") -> String {
            let variable = mark.split(separator: "=")
            return Workload.pod(
                "bomb", "", grace: 1,
                containers: """
                    - name: main
                      image: \(image)
                      command: [\(command)]
                      env: [{name: FORKS, value: "2000"}, {name: \(variable[0]), value: "\(variable[1])"}]
                      resources: {limits: {"steady.dev/pids": "\(pids)"}}
                    """)
        }

        private func python(_ script: String, _ arguments: [String]) throws -> Command {
            try Command("/usr/bin/python3", ["-c", script] + arguments, environment: ["PATH": "/usr/bin:/bin"])
        }

        private func api(_ siege: Siege) throws -> String {
            try String(contentsOfFile: siege.instance.dataDirectory + "/api.address", encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }

        /// How many processes and threads a user has: the kernel counts them all for RLIMIT_NPROC.
        private static func threads(of user: Int) -> Int {
            ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).filter { Int32($0) != nil }.reduce(0) { sum, pid in
                let owner = (try? FileManager.default.attributesOfItem(atPath: "/proc/\(pid)"))?[.ownerAccountID] as? Int
                return owner == user ? sum + ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task"))?.count ?? 0) : sum
            }
        }

        /// Where the logs of a process are kept: its environment names its pod.
        private static func logs(below path: String, of pids: [Int32]) -> String? {
            let environment = pids.first.map { Siege.text("/proc/\($0)/environ") } ?? ""
            let mark = environment.split(separator: "\0").first { $0.hasPrefix("STEADY_CONTAINER=") } ?? ""
            guard let uid = mark.split(separator: "=").last?.split(separator: "/").first else { return nil }
            return "\(path)/nodes/a1/logs/\(uid)"
        }

        private static func pieces(in directory: String) -> [(name: String, size: Int, file: Int)] {
            ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).map { name in
                let attributes = (try? FileManager.default.attributesOfItem(atPath: directory + "/" + name)) ?? [:]
                return (name, attributes[.size] as? Int ?? 0, attributes[.systemFileNumber] as? Int ?? 0)
            }
        }
    }
}

/// The pods of `web` beside what is too much: asked at a constant rate, and looked at in the end.
private final class Neighbour {
    private let siege: Siege
    private let load: ConstantLoad
    private let before: [Siege.Replica]

    init(_ siege: Siege) throws {
        self.siege = siege
        before = try siege.replicas()
        load = try ConstantLoad(
            siege.instance.directory + "/load", port: siege.instance.port, method: "get", mode: "close", rate: 50,
            ids: siege.instance.directory + "/ids-of-load")
    }

    deinit { load.terminate() }

    /// Every request was answered, and every process is the one that it was.
    func isUnharmed(line: Int = #line) throws {
        let told = load.end()
        #expect(told.requestCount > 0 && told.failedCount == 0, "line \(line): \(told)")
        let after = try siege.replicas().filter { replica in before.contains { $0.name == replica.name } }
        #expect(after == before, "line \(line)")
        print("neighbour: \(told.requestCount) requests, none failed, the slowest answered after \(told.slowest) ms")
    }
}

/// What a process has in memory, in KiB.
private struct Weight: CustomStringConvertible {
    private(set) var now = 0
    /// The most that it ever had.
    private(set) var most = 0

    init(of pid: Int32) {
        for row in Siege.text("/proc/\(pid)/status").split(separator: "\n") {
            let words = row.split(whereSeparator: \.isWhitespace)
            if row.hasPrefix("VmRSS:") { now = Int(words[1]) ?? 0 }
            if row.hasPrefix("VmHWM:") { most = Int(words[1]) ?? 0 }
        }
    }

    var description: String { "\(now / 1024) MiB (at most \(most / 1024))" }
}
