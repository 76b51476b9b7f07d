import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension Transcripts {
    /// Every part of Steady is killed, and stopped for a while, at rest, in a roll and while it scales.
    @Suite(.serialized) struct CrashMatrixTests {
        @Test(arguments: CrashCell.Fault.allCases)
        func
            `Whatever part of Steady dies or pauses, whenever: no process restarts, only a dead proxy's requests break, no POST runs twice`(
                fault: CrashCell.Fault
            ) throws
        {
            let siege = try Siege(replicas: 4)
            defer { siege.stop() }
            let matrix = try CrashMatrix(siege)
            defer { matrix.stop() }
            for work in CrashCell.Work.allCases {
                for target in CrashCell.Target.allCases { try matrix.run(CrashCell(fault: fault, target: target, work: work)) }
            }
            try matrix.end()
        }

        @Test func `A program that has not bound its port yet when all of Steady dies waits for the next, and is not started again`() throws
        {
            let siege = try Siege(replicas: 1)
            defer { siege.stop() }
            let matrix = try CrashMatrix(siege)
            defer { matrix.stop() }
            let mark = "MARK=\(UUID().uuidString)"
            let mayListen = siege.instance.directory + "/may-listen"
            let environment = ["LISTEN_WHEN": mayListen, "MARK": String(mark.dropFirst(5))]
            try siege.apply(Siege.deployment("late", replicas: 3, environment: environment))
            try siege.wait("they are started") { siege.processes(with: mark).count == 3 }
            let began = siege.processes(with: mark).sorted()
            _ = try matrix.killEverything()
            try siege.instance.write("", to: mayListen)
            try siege.settle(3, of: "late")
            #expect(try siege.replicas(of: "late").map(\.restartCount) == [0, 0, 0])
            #expect(try siege.replicas(of: "late").map(\.pid).sorted() == began)
        }

        @Test func `After a stop nothing is Ready before it runs; after a death of all of Steady what runs stays Ready`() throws {
            let siege = try Siege(replicas: 1)
            defer { siege.stop() }
            let matrix = try CrashMatrix(siege)
            defer { matrix.stop() }
            let mayListen = siege.instance.directory + "/may-listen"
            try siege.instance.write("", to: mayListen)
            try siege.apply(Siege.deployment("late", replicas: 3, environment: ["LISTEN_WHEN": mayListen]))
            try siege.settle(3, of: "late")
            func readySince() throws -> String {
                try siege.instance.steady("get pods -l app=late -o jsonpath={.items[*].status.conditions[?(@.type==\"Ready\")]}")
            }
            let before = try readySince()
            #expect(before.components(separatedBy: "\"status\":\"True\"").count == 4, "\(before)")
            _ = try matrix.killEverything()
            try siege.settle(3, of: "late")
            #expect(try readySince() == before, "nobody was turned away, not even for a moment")

            try siege.instance.steady("down")
            try FileManager.default.removeItem(atPath: mayListen)
            try siege.instance.steady("up --detach")
            try siege.instance.steady("wait deployment/late --for=condition=Available --timeout 1s", code: 1)
            #expect(try siege.replicas(of: "late").map(\.isReady) == [false, false, false])
            try siege.instance.write("", to: mayListen)
            try siege.settle(3, of: "late")
        }
    }
}

/// One field of the matrix: what is done to which part of Steady, and during what.
struct CrashCell {
    enum Fault: String, CaseIterable, CustomTestStringConvertible {
        case killed, stopped
        var testDescription: String { rawValue }
    }

    enum Target: String, CaseIterable {
        case server, agentA = "agent-a1", agentB = "agent-b1", agentC = "agent-c1", proxy = "proxy-1", up, all
    }

    /// What the fault comes into: just acknowledged, or begun to show.
    enum Work: String, CaseIterable {
        case rest = "at rest", roll = "before a roll", midRoll = "in a roll", scale = "before scaling", midScale = "while it scales"
    }

    var fault: Fault
    var target: Target
    var work: Work

    var parts: [String] { target == .all ? Self.everything : [target.rawValue] }
    /// Requests wait meanwhile, or break.
    var concernsProxy: Bool { target == .proxy || target == .all }
    /// Comes when a new replica serves already.
    var isLate: Bool { work == .midRoll || work == .midScale }

    static let everything = ["server", "agent-a1", "agent-b1", "agent-c1", "proxy-1", "up"]
}

/// A siege with constant load, one field after the other.
final class CrashMatrix {
    private let siege: Siege
    private var loads: [ConstantLoad] = []
    private var rows: [String] = []
    private var image = "v1"
    private var count = 4
    private var writes: [String] = []

    /// Requests a second of each of the four loads.
    private static let rate = 100
    /// Requests that can be inside the proxy: the loads' connections.
    private static let insideLimit = 4 * 8
    /// How a request may end that was inside a proxy when it died.
    private static let brokenKinds: Set = ["reset", "reset-in-answer", "reset-at-send", "closed", "cut-off"]

    init(_ siege: Siege) throws {
        self.siege = siege
        for method in ["get", "post"] {
            for mode in ["keep", "close"] {
                loads.append(
                    try ConstantLoad(
                        siege.instance.directory + "/load", port: siege.instance.port, method: method, mode: mode, rate: Self.rate,
                        ids: siege.instance.directory + "/constant-\(method)-\(mode)"))
            }
        }
    }

    func stop() { for load in loads { load.terminate() } }

    // MARK: - A field

    func run(_ cell: CrashCell) throws {
        let began = Date()
        let before = try siege.replicas()
        try acknowledge(cell)
        try begin(cell.work)
        if cell.isLate, cell.work == .midRoll || count > before.count { try waitForNewcomer(beside: before) }
        _ = try tally()

        var outage = ""
        /// From when on nothing may fail.
        var wholeAt = 0
        switch (cell.fault, cell.target) {
        case (.killed, .all):
            let length = try killEverything()
            wholeAt = Self.now
            outage = ", connections refused for \(length) ms"
        case (.killed, _):
            let old = siege.pid(of: cell.parts[0])
            try #require(old > 1)
            #expect(kill(old, SIGKILL) == 0)
            try siege.wait("\(cell.parts[0]) is dead") { !Self.isAlive(old) }
            wholeAt = Self.now
            try siege.wait("another \(cell.parts[0]) runs") {
                siege.pid(of: cell.parts[0]) != old && Self.isAlive(siege.pid(of: cell.parts[0]))
            }
        case (.stopped, _): try hold(cell)
        }
        if !cell.concernsProxy { try siege.flow() }
        try siege.settle(count)

        let after = try siege.replicas()
        let told = try tally()
        check(cell, told, wholeAt: wholeAt)
        try checkProcesses(cell, before: before, after: after)
        let earlier = before.filter { replica in after.contains { $0.name == replica.name } }
        let restarts = after.map(\.restartCount).reduce(0, +) - earlier.map(\.restartCount).reduce(0, +)
        rows.append(
            "\(cell.target.rawValue.padded(9)) \(cell.fault.rawValue) \(cell.work.rawValue.padded(16))\(told.requestCount.padded(6)) requests"
                + "\(told.failedCount.padded(4)) failed\(told.silence.padded(6)) ms without an answer\(restarts.padded(3)) restarts"
                + "\(Int(Date().timeIntervalSince(began) * 1000).padded(6)) ms in all\(outage)")
    }

    /// A write that is answered before anything happens.
    private func acknowledge(_ cell: CrashCell) throws {
        let name = "written-\(writes.count)"
        try siege.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: \(name)}, data: {cell: \(cell.target.rawValue)}}")
        writes.append(name)
    }

    private func begin(_ work: CrashCell.Work) throws {
        switch work {
        case .rest: break
        case .roll, .midRoll:
            image = image == "v1" ? "v2" : "v1"
            try siege.instance.steady("set image deployment/web main=replica:\(image)")
        case .scale, .midScale:
            count = count == 4 ? 6 : 4
            try siege.instance.steady("scale deployment/web --replicas \(count)")
        }
    }

    /// Until a replica that was not there before has run a request.
    private func waitForNewcomer(beside old: [Siege.Replica]) throws {
        let known = Set(old.map(\.name))
        try siege.wait("a new replica serves") {
            Siege.text(siege.record).split(separator: "\n").suffix(200).contains { row in
                row.split(separator: " ").last.map { !known.contains(String($0)) } ?? false
            }
        }
    }

    /// All at the same moment: none of them lives to notice that another has died. Returns for how long nobody listened, in milliseconds.
    func killEverything() throws -> Int {
        let victims = CrashCell.everything.map { siege.pid(of: $0) }
        try #require(victims.allSatisfy { $0 > 1 })
        for signal in [SIGSTOP, SIGKILL] { for pid in victims { #expect(kill(pid, signal) == 0) } }
        try siege.wait("all are dead") { !victims.contains(where: Self.isAlive) }
        let died = Self.now
        #expect(throws: HandRequest.Failure.self) { try HandRequest.once(port: siege.instance.port, path: "/") }
        try siege.instance.steady("up --detach")
        try siege.wait("requests are answered") { (try? HandRequest.once(port: siege.instance.port, path: "/")) != nil }
        let outage = Self.now - died
        try siege.wait("every part runs") { CrashCell.everything.allSatisfy { Self.isAlive(siege.pid(of: $0)) } }
        return outage
    }

    /// Stops the part, until its absence could be felt, and lets it go on.
    private func hold(_ cell: CrashCell) throws {
        let pids = cell.parts.map { siege.pid(of: $0) }
        try #require(pids.allSatisfy { $0 > 1 })
        for pid in pids { #expect(kill(pid, SIGSTOP) == 0) }
        try siege.wait("\(cell.target.rawValue) is stopped") { pids.allSatisfy { Self.state($0) == "T" } }
        if cell.concernsProxy {
            for load in loads { try siege.wait("requests wait") { try marked(load).waitingCount == 8 } }
        } else {
            try siege.flow()
        }
        for pid in pids { #expect(kill(pid, SIGCONT) == 0) }
        try siege.settle(count)
        #expect(cell.parts.map { siege.pid(of: $0) } == pids, "\(cell): who goes on is not replaced")
    }

    // MARK: - What is seen

    private var told = ConstantLoad.Tally()

    private func marked(_ load: ConstantLoad) throws -> ConstantLoad.Tally {
        let one = try load.mark()
        told += one
        return one
    }

    /// What became of all requests since the last time.
    private func tally() throws -> ConstantLoad.Tally {
        for load in loads { _ = try marked(load) }
        defer { told = ConstantLoad.Tally() }
        return told
    }

    private func check(_ cell: CrashCell, _ told: ConstantLoad.Tally, wholeAt: Int) {
        #expect(told.requestCount > 0, "\(cell)")
        guard cell.fault == .killed, cell.concernsProxy else {
            #expect(told.failedCount == 0, "\(cell): \(told.kinds)")
            return
        }
        #expect(told.lastFailedAt <= wholeAt, "\(cell): a request failed that was begun \(told.lastFailedAt - wholeAt) ms too late")
        let broken = told.kinds.filter { cell.target == .proxy || $0.key != "refused" }
        let mayBreak = cell.target == .proxy ? Self.brokenKinds : Self.brokenKinds.union(["reset-at-connect"])
        #expect(Set(broken.keys).isSubset(of: mayBreak), "\(cell): \(told.kinds)")
        // When all die, what breaks with the proxy may come back to a listener that has a moment to live.
        let limit = cell.target == .proxy ? Self.insideLimit : 2 * Self.insideLimit
        #expect(broken.values.reduce(0, +) <= limit, "\(cell): \(told.kinds)")
    }

    /// The same programs run as before, once each, and nobody else's leftovers.
    private func checkProcesses(_ cell: CrashCell, before: [Siege.Replica], after: [Siege.Replica]) throws {
        let earlier = Dictionary(uniqueKeysWithValues: before.map { ($0.name, $0) })
        for replica in after {
            if let before = earlier[replica.name] {
                #expect(replica.pid == before.pid && replica.restartCount == before.restartCount, "\(cell): \(replica) was \(before)")
            } else {
                #expect(replica.restartCount == 0, "\(cell): \(replica)")
            }
        }
        if cell.work == .rest { #expect(after.map(\.pid) == before.map(\.pid), "\(cell)") }
        #expect(siege.processes(with: "RECORD=\(siege.record)").sorted() == after.map(\.pid).sorted(), "\(cell): orphans, or doubles")
        // Between a death and its burial there is a moment, of which every one may be seen once.
        let roles = Set(CrashCell.everything.map { siege.pid(of: $0) })
        try siege.wait("\(cell): the dead are buried") { Self.zombies(of: roles) == [] }
    }

    /// After the last field.
    func end() throws {
        var answered: [Substring] = []
        for load in loads {
            told += load.end()
            if load.name.hasPrefix("post") { answered += Siege.text(load.answeredIDs).split(separator: "\n") }
        }
        loads = []
        #expect(told.failedCount == 0, "\(told.kinds)")
        var ran: [Substring: Int] = [:]
        for row in Siege.text(siege.record).split(separator: "\n") { ran[row.prefix { $0 != " " }, default: 0] += 1 }
        #expect(answered.count > 0)
        #expect(answered.filter { ran[$0] == nil } == [], "answered, but no replica ran them")
        #expect(ran.filter { $0.value > 1 }.map(\.key) == [], "ran more than once")
        let kept = try siege.instance.steady("get configmaps -o name").split(separator: "\n").map(String.init)
        #expect(writes.filter { !kept.contains("configmap/\($0)") } == [], "acknowledged, and lost")
        print(
            (rows + ["\(answered.count) POSTs were answered, \(ran.count) ran, none twice; \(writes.count) writes kept"]).joined(
                separator: "\n"))
    }

    /// Milliseconds since 1970.
    private static var now: Int { Int(Date().timeIntervalSince1970 * 1000) }

    /// As the kernel shows it: `R`, `S`, `T`, `Z` …; nil when there is no such process.
    private static func state(_ pid: Int32) -> Character? { fields(pid)?.first?.first }

    private static func isAlive(_ pid: Int32) -> Bool { pid > 0 && state(pid).map { !"ZX".contains($0) } ?? false }

    /// State, parent and what follows, of a process.
    private static func fields(_ pid: Int32) -> [Substring]? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8), let end = text.lastIndex(of: ")") else {
            return nil
        }
        return text[text.index(after: end)...].split(separator: " ")
    }

    /// The dead whom these processes have not buried.
    private static func zombies(of parents: Set<Int32>) -> [Int32] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { Int32($0) }.filter { pid in
            guard let fields = fields(pid), fields.count > 1 else { return false }
            return fields[0] == "Z" && Int32(fields[1]).map(parents.contains) ?? false
        }.sorted()
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

extension Int {
    fileprivate func padded(_ width: Int) -> String {
        let digits = "\(self)"
        return String(repeating: " ", count: Swift.max(0, width - digits.count)) + digits
    }
}
