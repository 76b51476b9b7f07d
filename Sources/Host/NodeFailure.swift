import APIClient
import Formats
import Linux
import Resources
import Supervision

/// Failing and recovering nodes.
extension HostRole {
    /// Everything that the node's records name is killed, AFTER the node's agent has ended, which was silent too long but may still live. The agent
    /// is started again like any that dies; that of a failed node stays gone until it is recovered. A node that this `up` has no agent for may have
    /// records of an earlier one.
    func fence(_ node: String, _ done: @escaping () -> Void) {
        // Replacements are made elsewhere once this is done: an agent that lived on would start again what is killed here.
        if let role = role(ofNode: node), role.isRunning, role.machine.state != .failed { role.signal(9) }
        clear(node, done)
    }

    /// Answers AFTER nothing is left, or at once that it was asked too long ago.
    func answerFence(_ message: Value, _ answer: @escaping (Value) -> Void) {
        guard let request = FenceRequest(message), !request.isStale(now: Clock.monotonic()) else {
            return answer(["error": "this was asked too long ago; the node may have recovered"])
        }
        fence(request.node) { answer(["ok": true]) }
    }

    private func role(ofNode node: String) -> RoleProcess? { roles.first { $0.name == RoleName.agent(node) } }

    /// The node's agent is down from here on until `done`.
    private func clear(_ node: String, _ done: @escaping () -> Void) {
        let path = directory.node(node)
        guard let role = role(ofNode: node) else { return deputy.killLeftovers(path, done) }
        role.hold { [deputy] in
            deputy.killLeftovers(path) {
                role.release()
                done()
            }
        }
    }

    private func failedMark(_ role: String) -> String { Self.failedMark(role, in: directory) }
    static func failedMark(_ role: String, in directory: DataDirectory) -> String { "\(directory.roles)/\(role).failed" }
    func isFailed(_ role: String) -> Bool { Files.exists(failedMark(role)) }

    /// Whether other nodes have failed than those by which a drill was judged (`failed`); a drill that was not judged names none.
    private func isJudgedByOthers(_ message: Value) -> Bool {
        guard let judged = message["failed"].array else { return false }
        let failed = configuration.nodes.map(\.name).filter { role(ofNode: $0)?.machine.state == .failed }
        return Set(judged.compactMap(\.string)) != Set(failed)
    }

    /// Answers AFTER nothing is left of the nodes that fail, or at once that something has changed since the drill was judged.
    func setFailed(_ message: Value, _ isFailed: Bool, _ answer: @escaping (Value) -> Void) {
        if isJudgedByOthers(message) { return answer(["changed": true]) }
        let nodes = configuration.nodes
        let chosen: [HostConfiguration.Node]
        if let zone = message["zone"].string {
            chosen = nodes.filter { $0.zone == zone }
            guard !chosen.isEmpty else {
                return answer([
                    "error": .string("zone \"\(zone)\" not found; zones are: \(configuration.zones.joined(separator: ", "))")
                ])
            }
        } else {
            let name = message["node"].string ?? ""
            chosen = nodes.filter { $0.name == name }
            guard !chosen.isEmpty else {
                return answer([
                    "error": .string("nodes \"\(name)\" not found; nodes are: \(nodes.map(\.name).joined(separator: ", "))")
                ])
            }
        }
        do throws(LinuxError) { try mark(chosen.map(\.name), isFailed) } catch {
            return answer([
                "error": .string("nothing was changed: which nodes have failed must outlive steady up and cannot be written down: \(error)")
            ])
        }
        var left = chosen.count
        for node in chosen {
            RoleLog.say(.notice, "node \(node.name) \(isFailed ? "fails: its agent and processes are killed" : "recovers")")
            let done = {
                left -= 1
                if left == 0 { answer(["ok": true, "nodes": .array(chosen.map { .string($0.name) })]) }
            }
            if isFailed { fail(node.name, done) } else { recover(node.name, done) }
        }
    }

    /// On disk BEFORE anything is done: an `up` that starts again must not bring a failed node back. All of them or none.
    private func mark(_ nodes: [String], _ isFailed: Bool) throws(LinuxError) {
        var marked: [String] = []
        do throws(LinuxError) {
            for name in nodes.map({ RoleName.agent($0) }) where self.isFailed(name) != isFailed {
                if isFailed {
                    marked.append(name)
                    try Files.replace(failedMark(name), with: [], durably: true)
                } else {
                    try Files.removeTree(failedMark(name))
                    marked.append(name)
                }
            }
        } catch {
            for name in marked {
                if isFailed { try? Files.removeTree(failedMark(name)) } else { try? Files.replace(failedMark(name), with: []) }
            }
            throw error
        }
    }

    private func fail(_ node: String, _ done: @escaping () -> Void) {
        let name = RoleName.agent(node)
        role(ofNode: node)?.handle(.fail)
        clear(node) { [unowned self] in
            kept.removeAll(role: name)
            done()
        }
    }

    private func recover(_ node: String, _ done: @escaping () -> Void) {
        role(ofNode: node)?.handle(.recover)
        done()
    }
}
