import Formats
import Resources
import Wire

/// Why a container cannot be started yet, with Kubernetes' reason.
package struct LaunchProblem: Error, Hashable, Sendable {
    package var reason: String
    package var message: String
    package init(_ reason: String, _ message: String) {
        self.reason = reason
        self.message = message
    }
}

/// What an image meant when a pod first launched it: the part of an Image that a pod keeps to.
package struct PinnedImage: Hashable, Sendable {
    package var reference: String
    package var command: [String]
    package var args: [String]
    package var workingDir: String
    package var env: [EnvVar]
    package var ports: [ContainerPort]
    package var value: Value

    /// From the `spec` of an Image.
    package init(spec: Value) {
        let image = Image(["spec": spec])
        reference = image.reference
        command = image.command
        args = image.args
        workingDir = image.workingDir
        env = image.env
        ports = image.ports
        value = spec
    }
}

/// Everything that a launch is made from.
package struct LaunchSources {
    package var pod: Pod
    package var container: Container
    /// Nil: there is none, and the container says itself what to run.
    package var image: PinnedImage?
    /// `NAME` and value: PATH, HOME and the like.
    package var base: [(String, String)]
    package var podIP: String
    package var hostIP: String
    package var nodeName: String
    package var zone: String
    /// The pod's own directory, and `$MOUNT_name` of the container's mounts.
    package var podDirectory: String
    package var mounts: [(String, String)]
    /// What the node has, by resource: the limit of who has none.
    package var allocatable: [String: Quantity] = [:]
    /// Of the pod's namespace, sorted by name.
    package var services: [Service]
    /// How the pod's programs look for names.
    package var lookup: NameLookup
    package var configMap: (String) -> ConfigMap?
    package var secret: (String) -> Secret?

    package init(
        pod: Pod, container: Container, image: PinnedImage?, base: [(String, String)], podIP: String, hostIP: String, nodeName: String,
        zone: String,
        podDirectory: String, mounts: [(String, String)] = [], services: [Service] = [],
        configMap: @escaping (String) -> ConfigMap? = { _ in nil },
        secret: @escaping (String) -> Secret? = { _ in nil }
    ) {
        self.pod = pod
        self.container = container
        self.image = image
        self.base = base
        self.podIP = podIP
        self.hostIP = hostIP
        self.nodeName = nodeName
        self.zone = zone
        self.podDirectory = podDirectory
        self.mounts = mounts
        self.services = services
        lookup = NameLookup(pod: pod, machine: ResolverConfiguration())
        self.configMap = configMap
        self.secret = secret
    }
}

/// What a container's process is started with.
package struct LaunchPlan: Hashable, Sendable {
    /// As written: absolute, or to be looked for in PATH.
    package var program: String
    package var arguments: [String]
    /// In the order in which the variables were first set.
    package var environment: [(name: String, value: String)]
    /// Absolute.
    package var directory: String

    package static func == (a: LaunchPlan, b: LaunchPlan) -> Bool {
        a.program == b.program && a.arguments == b.arguments && a.directory == b.directory && a.environmentLines == b.environmentLines
    }
    package func hash(into hasher: inout Hasher) {
        hasher.combine(arguments)
        hasher.combine(environmentLines)
    }

    /// `NAME=value`.
    package var environmentLines: [String] { environment.map { "\($0.name)=\($0.value)" } }
    /// A variable's value in the new process's environment.
    package func variable(_ name: String) -> String? { environment.first { $0.name == name }?.value }

    package init(_ sources: LaunchSources) throws(LaunchProblem) {
        let container = sources.container
        var variables = Variables()
        for (name, value) in sources.base { variables.set(name, value) }
        let fixed = Self.fixedVariables(sources)
        // Known to `$(VAR)` from the start; a variable of the same name in Image or container wins.
        for (name, value) in fixed { variables.set(name, value) }
        for variable in sources.image?.env ?? [] { try variables.set(variable, from: sources) }
        for source in container.envFrom { try variables.setAll(source, from: sources) }
        for variable in container.env { try variables.set(variable, from: sources) }
        environment = variables.list

        // A command replaces the image's command and its arguments; arguments alone replace the arguments.
        var command = container.command.isEmpty ? sources.image?.command ?? [] : container.command
        let arguments = !container.args.isEmpty ? container.args : container.command.isEmpty ? sources.image?.args ?? [] : []
        command = (command + arguments).map { variables.expand($0) }
        guard let program = command.first, !program.isEmpty else {
            throw LaunchProblem(
                "CreateContainerError", "container \(container.name): neither its image nor its command says which program to run")
        }
        self.program = program
        self.arguments = command
        let directory = !container.workingDir.isEmpty ? container.workingDir : sources.image?.workingDir ?? ""
        self.directory = directory.isEmpty ? sources.podDirectory : directory
    }

    private static func fixedVariables(_ sources: LaunchSources) -> [(String, String)] {
        var out: [(String, String)] = []
        for service in sources.services where !service.clusterIP.isEmpty && !service.isHeadless && sources.pod.spec.isServiceLinksEnabled {
            guard let port = service.ports.first?.port else { continue }
            let name = service.meta.name.uppercased().replacing("-", with: "_")
            out.append(("\(name)_SERVICE_HOST", service.clusterIP))
            out.append(("\(name)_SERVICE_PORT", "\(port)"))
        }
        out += [
            ("POD_NAME", sources.pod.meta.name), ("POD_NAMESPACE", sources.pod.meta.namespace), ("POD_IP", sources.podIP),
            ("NODE_NAME", sources.nodeName), ("ZONE", sources.zone), ("HOST", sources.podIP),
        ]
        out += sources.lookup.variables
        let ports = sources.container.ports.isEmpty ? sources.image?.ports ?? [] : sources.container.ports
        if let port = ports.first?.containerPort { out.append(("PORT", "\(port)")) }
        return out + sources.mounts
    }
}

/// The variables of one container while they are collected.
private struct Variables {
    private(set) var list: [(name: String, value: String)] = []
    private var index: [String: Int] = [:]

    mutating func set(_ name: String, _ value: String) {
        if let at = index[name] {
            list[at].value = value
        } else {
            index[name] = list.count
            list.append((name, value))
        }
    }

    func expand(_ text: String) -> String { VariableExpansion.expand(text) { name in index[name].map { list[$0].value } } }

    mutating func setAll(_ source: EnvFromSource, from sources: LaunchSources) throws(LaunchProblem) {
        let values: [String: String]
        switch source.source {
        case .configMap(let name):
            guard let map = sources.configMap(name) else {
                if source.isOptional { return }
                throw Self.missing("configmap", name)
            }
            values = map.data
        case .secret(let name):
            guard let secret = sources.secret(name) else {
                if source.isOptional { return }
                throw Self.missing("secret", name)
            }
            values = secret.data.mapValues { String(decoding: $0, as: UTF8.self) }
        case nil: return
        }
        for (key, value) in values.sorted(by: { $0.key < $1.key }) { set(source.prefix + key, value) }
    }

    mutating func set(_ variable: EnvVar, from sources: LaunchSources) throws(LaunchProblem) {
        switch variable.source {
        case nil: set(variable.name, expand(variable.value))
        case .field(let path): set(variable.name, try Self.field(path, of: sources))
        case .resource(let container, let resource, let divisor):
            set(variable.name, try Self.resource(container, resource, divisor, of: sources))
        case .configMapKey(let name, let key, let isOptional):
            if let value = sources.configMap(name)?.data[key] {
                set(variable.name, value)
            } else if !isOptional {
                throw sources.configMap(name) == nil ? Self.missing("configmap", name) : Self.missingKey(key, "ConfigMap", name, sources)
            }
        case .secretKey(let name, let key, let isOptional):
            if let value = sources.secret(name)?.data[key] {
                set(variable.name, String(decoding: value, as: UTF8.self))
            } else if !isOptional {
                throw sources.secret(name) == nil ? Self.missing("secret", name) : Self.missingKey(key, "Secret", name, sources)
            }
        }
    }

    private static func missing(_ kind: String, _ name: String) -> LaunchProblem {
        LaunchProblem("CreateContainerConfigError", "\(kind) \"\(name)\" not found")
    }

    private static func missingKey(_ key: String, _ kind: String, _ name: String, _ sources: LaunchSources) -> LaunchProblem {
        LaunchProblem("CreateContainerConfigError", "couldn't find key \(key) in \(kind) \(sources.pod.meta.namespace)/\(name)")
    }

    /// The fields that the downward API knows.
    private static func field(_ path: String, of sources: LaunchSources) throws(LaunchProblem) -> String {
        let meta = sources.pod.meta
        switch path {
        case "metadata.name": return meta.name
        case "metadata.namespace": return meta.namespace
        case "metadata.uid": return meta.uid
        case "spec.nodeName": return sources.nodeName
        case "spec.serviceAccountName": return sources.pod.spec.serviceAccountName
        case "status.podIP", "status.podIPs": return sources.podIP
        case "status.hostIP", "status.hostIPs": return sources.hostIP
        case "metadata.labels": return lines(meta.labels)
        case "metadata.annotations": return lines(meta.annotations)
        default: break
        }
        for (prefix, map) in [("metadata.labels['", meta.labels), ("metadata.annotations['", meta.annotations)]
        where path.hasPrefix(prefix) && path.hasSuffix("']") {
            return map[String(path.dropFirst(prefix.count).dropLast(2))] ?? ""
        }
        throw LaunchProblem("CreateContainerConfigError", "fieldRef: the field \"\(path)\" is not known here")
    }

    /// As the kubelet writes maps to files: `key="value"`, sorted, the value quoted as Go does.
    private static func lines(_ map: [String: String]) -> String {
        map.sorted { $0.key < $1.key }.map { key, value in
            let quoted = value.unicodeScalars.reduce(into: "") { text, scalar in
                switch scalar {
                case "\"": text += "\\\""
                case "\\": text += "\\\\"
                case "\n": text += "\\n"
                case "\r": text += "\\r"
                case "\t": text += "\\t"
                default: text.unicodeScalars.append(scalar)
                }
            }
            return "\(key)=\"\(quoted)\""
        }.joined(separator: "\n")
    }

    private static func resource(_ name: String, _ resource: String, _ divisor: Quantity, of sources: LaunchSources) throws(LaunchProblem)
        -> String
    {
        let container = name.isEmpty ? sources.container : sources.pod.spec.containers.first { $0.name == name } ?? sources.container
        let amount: Quantity?
        if resource.hasPrefix("limits.") {
            let name = String(resource.dropFirst(7))
            // Who has no limit may use the whole node.
            amount = container.resources.limits[name] ?? sources.allocatable[name]
        } else if resource.hasPrefix("requests.") {
            amount = container.resources.requests[String(resource.dropFirst(9))]
        } else {
            throw LaunchProblem("CreateContainerConfigError", "resourceFieldRef: \"\(resource)\" begins with neither limits. nor requests.")
        }
        guard let amount, divisor.nanos > 0 else { return "0" }
        // Rounded up, as Kubernetes does: half a CPU counted in CPUs is 1.
        return String((amount.nanos + divisor.nanos - 1) / divisor.nanos)
    }
}

/// Kubernetes' `$(VAR)`: `$$` is a dollar sign, an unknown name stays as it stands.
package enum VariableExpansion {
    /// Replaces `$(NAME)` as Kubernetes does: `$$` is a dollar, an unknown name stays as it is.
    package static func expand(_ text: String, _ value: (String) -> String?) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var at = 0
        while at < bytes.count {
            guard bytes[at] == UInt8(ascii: "$"), at + 1 < bytes.count else {
                out.append(bytes[at])
                at += 1
                continue
            }
            if bytes[at + 1] == UInt8(ascii: "$") {
                out.append(UInt8(ascii: "$"))
                at += 2
            } else if bytes[at + 1] == UInt8(ascii: "("), let end = bytes[at...].firstIndex(of: UInt8(ascii: ")")) {
                let name = String(decoding: bytes[(at + 2)..<end], as: UTF8.self)
                out.append(contentsOf: (value(name) ?? "$(\(name))").utf8)
                at = end + 1
            } else {
                out.append(UInt8(ascii: "$"))
                at += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
