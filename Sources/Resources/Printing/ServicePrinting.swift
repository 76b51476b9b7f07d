import Formats

/// The rows of Services and EndpointSlices.
enum ServicePrinting {
    static func cells(_ service: Service, age: String) -> [Value] {
        let address = service.clusterIPs.first ?? service.clusterIP
        return [
            .string(service.kind.rawValue), .string(Printing.orNone(address)), .string(externalAddress(service)), .string(ports(service)),
            .string(age), .string(Printing.orNone(LabelSelector(labels: service.selector).query)),
        ]
    }

    private static func externalAddress(_ service: Service) -> String {
        switch service.kind {
        case .clusterIP, .nodePort: return Printing.orNone(service.externalIPs.joined(separator: ","))
        case .externalName: return service.externalName
        case .loadBalancer:
            let all = service.loadBalancerIPs + service.externalIPs
            return all.isEmpty ? "<pending>" : all.joined(separator: ",")
        }
    }

    private static func ports(_ service: Service) -> String {
        Printing.orNone(
            service.ports.map { port in
                let number = port.port.map(\.description) ?? "<unset>"
                return "\(number)\(port.nodePort.map { ":\($0)" } ?? "")/\(port.transport.rawValue)"
            }.joined(separator: ","))
    }

    /// How many ports or addresses are shown before the rest is only counted.
    private static let shownCount = 3

    static func cells(_ slice: EndpointSlice, age: String) -> [Value] {
        let ports = slice.ports.map { $0.port.map(\.description) ?? ($0.name.isEmpty ? "*" : $0.name) }
        return [.string(slice.addressType), .string(list(ports)), .string(list(slice.endpoints.flatMap(\.addresses))), .string(age)]
    }

    /// `127.64.0.2:8080,…` of v1 Endpoints: those that get traffic.
    static func addresses(ofEndpoints value: Value) -> String {
        let all = value["subsets"].elements.flatMap { subset in
            subset["ports"].elements.flatMap { port in
                subset["addresses"].elements.map { "\($0["ip"].string ?? ""):\(port["port"].int ?? 0)" }
            }
        }
        return list(all, empty: "<none>")
    }

    private static func list(_ words: [String], empty: String = "<unset>") -> String {
        if words.isEmpty { return empty }
        let more = words.count - shownCount
        return words.prefix(shownCount).joined(separator: ",") + (more > 0 ? " + \(more) more..." : "")
    }
}
