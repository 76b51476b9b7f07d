import APIClient
import Formats
import Linux
import Resources
import Supervision
import Timing

/// Finds what an earlier agent left on this machine, and what of it lives.
struct Adoption {
    let context: AgentContext
    /// The listeners that `up` kept for us, by name; taken out as they are used.
    private var listeners: [String: Int32] = [:]

    init(context: AgentContext) {
        self.context = context
        for (name, descriptor) in context.descriptors.fetchAll() {
            if ContainerProcess.isListener(name) {
                listeners[name] = descriptor
            } else {
                // Pipes are opened anew by their names; `up`'s copy has kept what was in them.
                closeDescriptor(descriptor)
            }
        }
    }

    /// The pods that have something here, by uid.
    var left: [String: PodMemory] {
        var out: [String: PodMemory] = [:]
        let configuration = context.configuration
        for uid in ((try? Files.list(configuration.podsDirectory)) ?? []) + RunDirectory.pods(configuration.nodeDirectory) {
            out[uid] = context.memories[uid] ?? PodMemory(namespace: "", name: "")
        }
        return out
    }

    /// What is left of one container; its process is taken over when it lives.
    mutating func remains(of name: String, driver: PodDriver) -> Remains? {
        let paths = PodPaths(context.configuration, uid: driver.uid)
        let stored = driver.pod.value["status"]
        let status =
            (stored["containerStatuses"].elements + stored["initContainerStatuses"].elements).first { $0["name"].string == name } ?? .null
        guard let record = ContainerRecord.settle(paths.record(name)) else { return Self.recalled(status) }
        let last = Self.termination(status["lastState"]["terminated"])
        let listenerName = ContainerProcess.listenerName(driver.uid, name, record.startedAt)
        let listener = record.end == nil ? listeners.removeValue(forKey: listenerName) : nil
        if record.end == nil, driver.adopt(name, record, listener: listener) {
            let progress = Remains.Progress(isStarted: status["started"].bool ?? false, isReady: status["ready"].bool ?? false)
            return Remains(
                .running(since: record.startedAt, containerID: "steady://\(record.identity?.pid ?? 0)", progress),
                restartCount: record.restartCount, lastTermination: last)
        }
        // A child that never became the program: it is simply launched.
        guard record.identity != nil else { return Remains(.none, restartCount: record.restartCount, lastTermination: last) }
        // The server may know of the end what the record does not.
        if let known = Self.termination(status["state"]["terminated"]), record.end == nil || known.exitCode == record.end?.code {
            return Remains(.ended(known), restartCount: record.restartCount, lastTermination: last)
        }
        let id = "steady://\(record.identity?.pid ?? 0)"
        let how =
            record.end.map { Termination(exitCode: $0.code, startedAt: record.startedAt, finishedAt: $0.at, containerID: id) }
            ?? .unseen(startedAt: record.startedAt, containerID: id)
        return Remains(.ended(how), restartCount: record.restartCount, lastTermination: last)
    }

    /// What the server knows of a container whose record went with an earlier boot; nil when it was never begun.
    private static func recalled(_ status: Value) -> Remains? {
        guard let id = status["containerID"].string, !id.isEmpty else { return nil }
        let restarts = Int(status["restartCount"].int ?? 0)
        let last = termination(status["lastState"]["terminated"])
        if let end = termination(status["state"]["terminated"]) {
            return Remains(.ended(end), restartCount: restarts, lastTermination: last)
        }
        guard let since = status["state"]["running"]["startedAt"].timestamp else {
            return Remains(.none, restartCount: restarts, lastTermination: last)
        }
        return Remains(.ended(.unseen(startedAt: since, containerID: id)), restartCount: restarts, lastTermination: last)
    }

    /// Asks `up` for the ends of processes that died while no agent was there, and writes them into their records. BEFORE `remains`.
    func learnEnds(of pods: [String], _ done: @escaping () -> Void) {
        var records: [Int32: String] = [:]
        for uid in pods {
            let paths = PodPaths(context.configuration, uid: uid)
            for name in paths.containerNames {
                guard let record = ContainerRecord.settle(paths.record(name)), record.end == nil, record.boot == context.bootIdentifier,
                    let identity = record.identity
                else { continue }
                if Processes.startTime(of: identity.pid) != identity.startTime { records[identity.pid] = paths.record(name) }
            }
        }
        guard !records.isEmpty else { return done() }
        context.askExits(records.keys.sorted()) { exits in
            for exit in exits {
                guard let pid = exit["pid"].int.map({ Int32(truncatingIfNeeded: $0) }), let path = records[pid],
                    let code = exit["code"].int ?? exit["signal"].int.map({ 128 + $0 })
                else { continue }
                ContainerRecord.append(path, code: Int(code), at: exit["at"].string.flatMap { Timestamp(rfc3339: $0) } ?? Clock.realtime())
            }
            done()
        }
    }

    /// One that came late. BEFORE `remains`.
    mutating func add(_ listener: Int32, named name: String) {
        if let old = listeners.updateValue(listener, forKey: name) { closeDescriptor(old) }
    }

    /// Listeners of containers that are no more, and of launches that were called off.
    mutating func dropUnused() {
        for (name, descriptor) in listeners.sorted(by: { $0.key < $1.key }) {
            closeDescriptor(descriptor)
            context.descriptors.remove(name)
        }
        listeners = [:]
    }

    static func termination(_ value: Value) -> Termination? {
        guard let code = value["exitCode"].int else { return nil }
        return Termination(
            exitCode: Int(code), reason: value["reason"].string, message: value["message"].string ?? "",
            startedAt: value["startedAt"].timestamp,
            finishedAt: value["finishedAt"].timestamp, containerID: value["containerID"].string ?? "")
    }
}
