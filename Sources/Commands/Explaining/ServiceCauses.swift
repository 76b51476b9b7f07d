import Formats
import Resources

/// Who stands behind a Service, and who does not.
extension Scene {
    var service: Cause {
        let endpoints = slices.flatMap(\.["endpoints"].elements)
        let ready = endpoints.count { Self.isReady($0) }
        let name = "service/\(object.name)"
        let selector = object["spec"]["selector"].stringMap
        if object["spec"]["type"].string == "ExternalName" {
            return Cause("\(name) is a name for \(object["spec"]["externalName"].plainText): no pods stand behind it")
        }
        if selector.isEmpty { return Cause("\(name) has no selector: \(ready) endpoints, from slices that somebody else writes") }
        let words = selector.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        if pods.isEmpty { return Cause("\(name) has nobody to send requests to", because: [Cause("no pod has the labels \(words)")]) }
        let unready = pods.filter { condition("Ready", of: $0)["status"].string != "True" || !$0["metadata"]["deletionTimestamp"].isNull }
        let because = portCauses(readyCount: ready) + unready.prefix(Self.podLimit).map { pod($0, isSubject: false) }
        let routed = object["spec"]["ports"].elements.map { readyCount(of: $0) ?? ready }.max() ?? ready
        return Cause("\(name) sends requests to \(routed) of the \(pods.count) pods with the labels \(words)", because: because)
    }

    private static func isReady(_ endpoint: Value) -> Bool { endpoint["conditions"]["ready"].bool ?? true }

    /// How many ready endpoints have the Service's port; nil for one that is given as a number, which every pod has.
    private func readyCount(of port: Value) -> Int? {
        guard let target = port["targetPort"].string, Int(target) == nil else { return nil }
        let name = port["name"].string ?? ""
        let own = slices.filter { $0["ports"].elements.contains { ($0["name"].string ?? "") == name } }
        return own.reduce(0) { $0 + $1["endpoints"].elements.count { Self.isReady($0) } }
    }

    /// Ports that not all pods have, and why.
    private func portCauses(readyCount ready: Int) -> [Cause] {
        let containerPorts = pods.flatMap { $0["spec"]["containers"].elements }.flatMap { $0["ports"].elements }
        return object["spec"]["ports"].elements.compactMap { port in
            let shown = "port \(port["port"].plainText)" + (port["name"].string.map { " (\($0))" } ?? "")
            if let count = readyCount(of: port) {
                guard count < ready else { return nil }
                let target = port["targetPort"].plainText
                let names = Set(containerPorts.compactMap { $0["name"].string }).sorted()
                let known = names.isEmpty ? "no port of theirs has a name" : "their ports are named \(names.joined(separator: ", "))"
                let none = "no container of the pods has a port named \(target); \(known)"
                let some = "only \(count) of the \(ready) ready pods have a port named \(target)"
                return Cause("\(shown) leads to \(count) endpoints", because: [Cause(count == 0 && !names.contains(target) ? none : some)])
            }
            guard let number = (port["targetPort"].isNull ? port["port"] : port["targetPort"]).int else { return nil }
            let declared = Set(containerPorts.compactMap { $0["containerPort"].int }).sorted()
            if declared.isEmpty || declared.contains(number) { return nil }
            let known = declared.map { "\($0)" }.joined(separator: ", ")
            return Cause(
                "\(shown) leads to port \(number), which no container of the pods declares (they declare \(known)); it is tried all the same"
            )
        }
    }
}
