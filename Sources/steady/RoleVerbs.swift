import APIClient
import APIServer
import Commands
import Controllers
import Formats
import Glibc
import Linux
import NodeAgent
import Resources
import ServiceProxy
import Storage

/// The roles that `steady up` starts: verbs that nobody types.
enum RoleVerbs {
    static let all = [
        Verb(
            "server", group: .hidden, summary: "Role: store, API and controllers",
            flags: [
                Flag("block", nil, .value(placeholder: "N"), "slice of the loopback addresses"),
                Flag("has-state", nil, .toggle, "a state was stored here before: without one the server does not start"),
                Flag("nothing-runs", nil, .toggle, "no process of the instance can have lived on: nothing stored is ready"),
            ] + SnapshotVerbs.scheduleFlags,
            run: { try server($0) }),
        Verb(
            "agent", group: .hidden, summary: "Role: runs one node's pods",
            flags: [
                Flag("block", nil, .value(placeholder: "N"), "slice of the loopback addresses"),
                Flag("node", nil, .value(placeholder: "NAME"), "the node's name"),
                Flag("zone", nil, .value(placeholder: "NAME"), "its zone"),
                Flag("index", nil, .value(placeholder: "N"), "its number in the instance"),
                Flag("nodes", nil, .value(placeholder: "N"), "how many nodes the instance has"),
                Flag("run-as", nil, .value(placeholder: "USER"), "as root: the user that pods run as"),
            ], run: { try agent($0) }),
        Verb(
            "proxy", group: .hidden, summary: "Role: service proxy",
            flags: [
                Flag("block", nil, .value(placeholder: "N"), "slice of the loopback addresses"),
                Flag("name", nil, .value(placeholder: "NAME"), "the proxy's name"),
                Flag("expose", nil, .value(placeholder: "ADDRESS"), "where NodePort and LoadBalancer ports listen"),
            ], run: { try proxy($0) }),
    ]

    private static func block(_ invocation: Invocation) throws(CommandError) -> Int { try invocation.integer("block", in: 0...15) ?? 0 }

    private static func server(_ invocation: Invocation) throws -> Int32 {
        let directory = try invocation.dataDirectory
        var storage = StorageSettings()
        storage.registry.mayChangeUser = Processes.isRoot
        storage.registry.block = try block(invocation)
        if invocation.isSet("has-state") { storage.hasStateBy = directory.hostRecord }
        storage.reached = directory.journalReached
        storage.snapshots = directory.snapshots
        storage.nothingRuns = invocation.isSet("nothing-runs")
        if let interval = try invocation.duration("snapshot-every"), interval > .zero {
            storage.copies = CopySettings(
                directory: directory.snapshots, interval: interval,
                keep: try invocation.integer("snapshot-keep", in: SnapshotVerbs.keepRange) ?? CopySettings.defaultKeep)
        }
        return try RoleStart.run("server", in: directory) { loop, link in
            var loops: ControllerLoops?
            let role: ServerRole
            do throws(ServerError) {
                role = try ServerRole(ServerConfiguration(directory: directory, storage: storage), loop: loop, descriptors: link) { api in
                    let controllers = ControllerLoops(api: api, decisionLog: directory.decisionLog) { node, isWanted, done in
                        fence(node, link, loop, isWanted, done)
                    }
                    controllers.start()
                    loops = controllers
                }
            } catch {
                link.tell(["op": "cannot", "reason": .string(error.description)])
                throw error
            }
            role.decisions = { kind, namespace, name in
                loops?.decisions(kind: kind, namespace: namespace, name: name) ?? []
            }
            role.onStop.append { loops?.close() }
            for notice in role.storage.notices { RoleLog.say(.warning, notice) }
            role.storage.onNotice = { RoleLog.say(.warning, $0) }
            let serving: Value = ["op": "serving", "notices": .array(role.storage.notices.map { .string($0) })]
            link.tell(serving)
            followAbsences(link) { loops?.absent($0) }
            followProxies(link) {
                loops?.live(proxies: $0.names)
                role.live(proxies: $0.names)
            }
            link.ready()
            link.onHostBack = { [onHostBack = link.onHostBack] in
                onHostBack()
                link.tell(serving)
            }
            RoleLog.say(.information, "serves revision \(role.storage.revision.number) on \(role.address.map { "\($0)" } ?? "its socket")")
            for number in [SIGTERM, SIGINT] { try loop.onSignal(number) { role.end() } }
            return Kept(role, loops)
        }
    }

    /// Before `up` is asked again that was away, or went before it answered.
    private static let fenceRetryDelay: Duration = .milliseconds(100)

    /// Has `up` kill what is left of a lost node. `done` is called AFTER it did: replacements are made then, so no silence counts as done. It is called
    /// off when nobody wants it any more: `up` may come back together with an agent that was only held up.
    private static func fence(
        _ node: String, _ link: HostLink, _ loop: EventLoop, _ isWanted: @escaping () -> Bool, _ done: @escaping (Bool) -> Void
    ) {
        guard isWanted() else { return done(false) }
        link.request(FenceRequest(node: node, askedAt: Clock.monotonic()).message) { answer in
            if answer["ok"].bool == true { return done(true) }
            loop.schedule(after: fenceRetryDelay) { fence(node, link, loop, isWanted, done) }
        }
    }

    /// Hears from `up` which agents it misses. While there is no `up`, nobody knows of any.
    private static func followAbsences(_ link: HostLink, _ tell: @escaping (AbsentAgents) -> Void) {
        let (onMessage, onHostLost) = (link.onMessage, link.onHostLost)
        link.onMessage = { message in
            if let absent = AbsentAgents(message) { tell(absent) } else { onMessage(message) }
        }
        link.onHostLost = {
            onHostLost()
            tell(AbsentAgents())
        }
    }

    /// Hears from `up` which proxies there are. While there is no `up`, those that it named last go on.
    private static func followProxies(_ link: HostLink, _ tell: @escaping (LiveProxies) -> Void) {
        let onMessage = link.onMessage
        link.onMessage = { message in
            if let live = LiveProxies(message) { tell(live) } else { onMessage(message) }
        }
    }

    private static func agent(_ invocation: Invocation) throws -> Int32 {
        let directory = try invocation.dataDirectory
        let node = invocation.value("node") ?? "a1"
        var configuration = AgentConfiguration(
            nodeName: node, zone: invocation.value("zone") ?? "a", index: try invocation.integer("index", in: 0...127) ?? 0,
            block: try block(invocation),
            directory: directory, runAs: invocation.value("run-as"))
        configuration.proxyCount = 1
        configuration.nodeCount = try invocation.integer("nodes", in: 1...128) ?? 1
        configuration.reapsOrphans = true
        return try RoleStart.run(RoleName.agent(node), in: directory) { loop, link in
            try Processes.becomeSubreaper()
            let role = try AgentRole(
                loop: loop, configuration: configuration, api: RemoteAPI(loop: loop, address: .unix(directory.apiSocket)),
                descriptors: link,
                askExits: { pids, done in
                    link.request(["op": "exits", "pids": .array(pids.map { .int(Int64($0)) })]) { done($0["exits"].elements) }
                },
                hintEnd: { link.hint(["op": "ended", "address": .string($0)]) },
                takeOutput: { pod, done in link.request(pod.map { ["op": "read", "pod": .string($0)] } ?? ["op": "read"]) { _ in done() } })
            link.onDescriptor = { role.received(descriptor: $1, named: $0) }
            link.onBeat = { [onBeat = link.onBeat] in
                onBeat()
                LifeSign.give(ofNode: node, in: directory)
            }
            let end = {
                role.close()
                loop.stop()
            }
            link.onMessage = { message in
                switch message["op"].string {
                case "shutdown": role.shutDown(end)
                case "merge": role.mergeSpills()
                default: break
                }
            }
            followProxies(link) { [unowned role] in role.live(proxies: $0.names) }
            role.onReady = { link.ready() }
            // A signal ends the agent alone: its processes go on.
            for number in [SIGTERM, SIGINT] { try loop.onSignal(number, end) }
            role.start()
            return role
        }
    }

    private static func proxy(_ invocation: Invocation) throws -> Int32 {
        let name = invocation.value("name") ?? RoleName.proxy(1)
        let directory = try invocation.dataDirectory
        let exposed = invocation.value("expose").flatMap { IPv4Address($0) } ?? .loopback
        let configuration = ProxyConfiguration(name: name, directory: directory, block: try block(invocation), exposed: exposed)
        return try RoleStart.run(name, in: directory) { loop, link in
            let role = try ProxyRole(configuration, loop: loop, descriptors: link)
            link.onMessage = { message in
                switch message["op"].string {
                case "ended": role.ended(address: message["address"].string ?? "")
                case "retire":
                    RoleLog.say(.notice, "another proxy takes new connections: finishes what is open")
                    role.retire { loop.stop() }
                default: break
                }
            }
            followAbsences(link) { role.absent($0.byNode) }
            link.onDescriptor = { role.take(shared: $1, named: $0) }
            role.onReady = { link.ready() }
            for number in [SIGTERM, SIGINT] { try loop.onSignal(number) { role.end { loop.stop() } } }
            role.start()
            return role
        }
    }

    /// What must live as long as a role's loop runs.
    private final class Kept {
        private let parts: [AnyObject?]
        init(_ parts: AnyObject?...) { self.parts = parts }
    }
}
