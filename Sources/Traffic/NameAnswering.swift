import Wire

/// What is to be done about a query.
package enum NameAnswer: Sendable {
    case answer(DNSMessage)
    /// The name is not ours: whoever the host asks knows.
    case forward
    /// The name stands for another one that is not ours: what others say about `target` belongs behind this answer.
    case follow(DNSMessage, target: DNSName)
    /// It is no query: nobody is answered.
    case silence
}

extension ClusterNames {
    /// How many names that stand for others are followed here, one after the other.
    static let followLimit = 8

    /// Answers one query.
    ///
    /// - Parameter turn: where the addresses of a service begin in this answer; grows from answer to answer, so that clients that take the first
    ///   spread.
    package mutating func answer(_ query: DNSMessage, turn: Int = 0) -> NameAnswer {
        if query.isResponse { return .silence }
        guard query.operation == 0 else { return .answer(query.response(.notImplemented)) }
        guard query.questions.count == 1, let question = query.questions.first else { return .answer(query.response(.formatError)) }
        if let version = query.extended?.version, version > 0 { return .answer(query.response(.badVersion)) }
        guard question.recordClass == DNSMessage.internet || question.recordClass == 255 else { return .answer(query.response(.refused)) }
        var answer = query.response()
        answer.isAuthoritative = true
        var name = question.name
        for _ in 0..<Self.followLimit {
            let found: Found
            if let labels = name.lowercasedLabels(before: Self.zone) {
                found = look(labels)
            } else if let host = Self.reversed(name), addresses.services.contains(host) || addresses.pods.contains(host) {
                found = labels(ofAddress: host).flatMap { Self.zone.prefixed($0) }.map { .pointer($0) } ?? .nothing
            } else {
                return answer.answers.isEmpty ? .forward : .follow(answer, target: name)
            }
            guard case .alias(let target) = found else {
                put(found, name, question.kind, turn, into: &answer)
                return .answer(answer)
            }
            answer.answers.append(DNSMessage.Record(name, .cname, .name(target), timeToLive: Self.timeToLive))
            if question.kind == .cname { return .answer(answer) }
            name = target
        }
        answer.set(.serverFailure)
        return .answer(answer)
    }

    /// What a name of ours stands for.
    enum Found {
        case nothing
        /// The name has names below it, or records of another kind.
        case empty
        case apex
        case addresses([UInt32], services: [Target])
        case alias(DNSName)
        case pointer(DNSName)
        case text(String)
    }

    /// Where a port of a service is.
    struct Target {
        var port: UInt16
        var labels: [String]
        var addresses: [UInt32]
    }

    private func look(_ labels: [String]) -> Found {
        switch (labels.last, labels.count) {
        case (nil, _): return .apex
        case ("dns-version", 1): return .text("1.1.0")
        case ("svc", 1), ("pod", 1): return .empty
        case ("svc", 2), ("pod", 2): return hasNamespace(labels[0]) ? .empty : .nothing
        case ("pod", 3): return pod(labels[0], in: labels[1])
        case ("svc", 3...):
            let service = ServiceName(labels[labels.count - 2], labels[labels.count - 3])
            guard let known = services[service] else { return .nothing }
            return look(labels.dropLast(3), service, known)
        default: return .nothing
        }
    }

    /// What a pod's address stands for is the address; that there is a pod is not looked at, as in Kubernetes by default.
    private func pod(_ label: String, in namespace: String) -> Found {
        guard hasNamespace(namespace), let host = EndpointAddress.host(label.replacing("-", with: ".")), addresses.pods.contains(host)
        else {
            return .nothing
        }
        return .addresses([host], services: [])
    }

    /// - Parameter front: what stands before the service's name.
    private func look(_ front: ArraySlice<String>, _ name: ServiceName, _ service: NamedService) -> Found {
        let own = [name.name, name.namespace, "svc"]
        if service.isExternal {
            return front.isEmpty ? service.externalName.map { .alias($0) } ?? .nothing : .nothing
        }
        let front = Array(front)
        var endpointLabel: String?
        var port: (name: String, transport: String)?
        switch front.count {
        case 0: break
        case 1 where ["_tcp", "_udp", "_sctp"].contains(front[0]):
            return service.ports.contains { "_" + $0.transport == front[0] && !$0.name.isEmpty } ? .empty : .nothing
        case 1: endpointLabel = front[0]
        case 2 where front[0].hasPrefix("_") && front[1].hasPrefix("_"):
            port = (String(front[0].dropFirst()), String(front[1].dropFirst()))
        default: return .nothing
        }
        func isAsked(_ candidate: NamedPort) -> Bool {
            guard let port else { return true }
            return candidate.name == port.name && candidate.transport == port.transport && !candidate.name.isEmpty
        }
        if !service.isHeadless, endpointLabel == nil {
            let ports = service.ports.filter(isAsked)
            if port != nil, ports.isEmpty { return .nothing }
            let targets = ports.map { Target(port: $0.port, labels: own, addresses: service.addresses) }
            return service.addresses.isEmpty ? .empty : .addresses(service.addresses, services: targets)
        }
        // The specification: a headless service without a ready endpoint does not exist.
        let endpoints = endpoints(of: name).filter { endpointLabel == nil || $0.endpoint.label == endpointLabel }
        var targets: [Target] = []
        var addresses: [UInt32] = []
        for (endpoint, ports) in endpoints {
            let asked = ports.filter(isAsked)
            if port != nil, asked.isEmpty { continue }
            addresses.append(endpoint.host)
            targets += asked.map { Target(port: $0.port, labels: [endpoint.label] + own, addresses: [endpoint.host]) }
        }
        return addresses.isEmpty ? .nothing : .addresses(addresses, services: targets)
    }

    private func put(_ found: Found, _ name: DNSName, _ kind: DNSMessage.Kind, _ turn: Int, into answer: inout DNSMessage) {
        let ttl = Self.timeToLive
        func add(_ kind: DNSMessage.Kind, _ content: DNSMessage.Content) {
            answer.answers.append(DNSMessage.Record(name, kind, content, timeToLive: ttl))
        }
        let countBefore = answer.answers.count
        switch found {
        case .nothing: answer.set(.nameError)
        case .empty, .alias: break
        case .apex:
            if kind == .soa { add(.soa, .authority(Self.authority)) }
            if kind == .ns { add(.ns, .name(Self.authority.server)) }
        case .addresses(let addresses, let targets):
            if kind == .a || kind == .any {
                for index in addresses.indices { add(.a, .a(addresses[(index + turn) % addresses.count])) }
            } else if kind == .srv {
                put(targets, name, into: &answer)
            }
        case .pointer(let target): if kind == .ptr || kind == .any { add(.ptr, .name(target)) }
        case .text(let text):
            if kind == .txt || kind == .any { add(.txt, .opaque([UInt8(text.utf8.count)] + Array(text.utf8))) }
        }
        // RFC 2308: what is not there is not there for as long as the zone says.
        if answer.answers.count == countBefore {
            let zone = name.isWithin(Self.zone) ? Self.zone : name
            answer.authorities.append(DNSMessage.Record(zone, .soa, .authority(Self.authority), timeToLive: ttl))
        }
    }

    private func put(_ targets: [Target], _ name: DNSName, into answer: inout DNSMessage) {
        // Shares of 100, as Kubernetes' own DNS gives them; RFC 2782 wants more than 0 where there is a choice.
        let weight = UInt16(max(1, 100 / max(1, targets.count)))
        var told: Set<[String]> = []
        for target in targets {
            guard let host = Self.zone.prefixed(target.labels) else { continue }
            answer.answers.append(
                DNSMessage.Record(
                    name, .srv, .service(priority: 0, weight: weight, port: target.port, target: host), timeToLive: Self.timeToLive))
            guard told.insert(target.labels).inserted else { continue }
            for address in target.addresses {
                answer.additional.append(DNSMessage.Record(host, .a, .a(address), timeToLive: Self.timeToLive))
            }
        }
    }

    /// What stands above the zone.
    static let authority = DNSMessage.Authority(
        server: zone.prefixed(["ns", "dns"]) ?? zone, mailbox: zone.prefixed(["hostmaster"]) ?? zone, serial: 1, minimum: timeToLive)

    /// The address that `4.3.2.1.in-addr.arpa` asks about; nil for every other name.
    static func reversed(_ name: DNSName) -> UInt32? {
        guard name.labels.count == 6, let reverse = DNSName("in-addr.arpa"), let labels = name.lowercasedLabels(before: reverse) else {
            return nil
        }
        return EndpointAddress.host(labels.reversed().joined(separator: "."))
    }
}
