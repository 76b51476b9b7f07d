import Formats
import Resources

/// `describe` of EndpointSlices and PodDisruptionBudgets, and of every kind that has no form of its own.
extension Description {
    mutating func endpointSlice(_ slice: Value) {
        named(slice)
        field("AddressType", slice["addressType"].plainText)
        let ports = slice["ports"].elements
        if ports.isEmpty {
            field("Ports", "<unset>")
        } else {
            line(0, "Ports:\n  Name\tPort\tProtocol\n  ----\t----\t--------")
            for port in ports {
                let name = port["name"].plainText
                line(
                    1,
                    "\(name.isEmpty ? "<unset>" : name)\t\(port["port"].isNull ? "<unset>" : port["port"].plainText)\t\(port["protocol"].plainText)"
                )
            }
        }
        let endpoints = slice["endpoints"].elements
        guard !endpoints.isEmpty else { return field("Endpoints", "<none>") }
        line(0, "Endpoints:")
        for endpoint in endpoints {
            line(1, "- Addresses:\t\(endpoint["addresses"].elements.map(\.plainText).joined(separator: ","))")
            line(2, "Conditions:")
            field("Ready", endpoint["conditions"]["ready"].bool.map { "\($0)" } ?? "<unset>", level: 3)
            field("Hostname", endpoint["hostname"].string ?? "<unset>", level: 2)
            let target = endpoint["targetRef"]
            if !target.isNull { field("TargetRef", "\(target["kind"].plainText)/\(target["name"].plainText)", level: 2) }
            field("NodeName", endpoint["nodeName"].string ?? "<unset>", level: 2)
            field("Zone", endpoint["zone"].string ?? "<unset>", level: 2)
        }
    }

    mutating func disruptionBudget(_ budget: Value) {
        let (spec, status) = (budget["spec"], budget["status"])
        field("Name", budget.name)
        field("Namespace", budget.namespaceName)
        if !spec["minAvailable"].isNull {
            field("Min available", spec["minAvailable"].plainText)
        } else if !spec["maxUnavailable"].isNull {
            field("Max unavailable", spec["maxUnavailable"].plainText)
        }
        field("Selector", spec["selector"].isNull ? "<unset>" : LabelSelector(object: spec["selector"]).query)
        line(0, "Status:")
        for (title, key) in [
            ("Allowed disruptions", "disruptionsAllowed"), ("Current", "currentHealthy"), ("Desired", "desiredHealthy"),
            ("Total", "expectedPods"),
        ] { field(title, "\(status[key].int ?? 0)", level: 2) }
    }

    /// All that an object has, with its fields' names as words.
    mutating func whole(_ object: Value) {
        named(object)
        var rest = object
        for field in ["name", "namespace", "labels", "annotations"] { rest["metadata"][field] = .null }
        members(rest, level: 0)
    }

    /// A policy as any object, and, with several proxies, what that means for what it counts.
    mutating func trafficPolicy(_ policy: Value, proxyCount: Int) {
        whole(policy)
        let counting = ["rateLimit", "loadShedding", "circuitBreaker"]
        guard proxyCount > 1, counting.contains(where: { !policy["spec"][$0].isNull }) else { return }
        field("Proxies", "\(proxyCount): each counts by itself, so that rates and maxima are \(proxyCount) times as much in all")
    }

    private mutating func named(_ object: Value) {
        field("Name", object.name)
        field("Namespace", object.namespaceName)
        labels("Labels", object["metadata"]["labels"].stringMap)
        annotations(object["metadata"]["annotations"].stringMap)
    }

    private mutating func members(_ value: Value, level: Int) {
        for (name, member) in (value.object?.entries ?? []).sorted(by: { $0.key < $1.key }) {
            switch member {
            case .object:
                line(level, Self.words(name) + ":")
                members(member, level: level + 1)
            case .array(let elements):
                line(level, Self.words(name) + ":")
                for element in elements {
                    if case .object = element { members(element, level: level + 1) } else { line(level + 1, element.plainText) }
                }
            default: field(Self.words(name), member.isNull ? "<nil>" : member.plainText, level: level)
            }
        }
    }

    /// `Creation Timestamp` for `creationTimestamp`, `UID` for `uid`; what is more than letters stays as it is.
    static func words(_ name: String) -> String {
        guard name.allSatisfy({ $0.isLetter || $0 == "-" }) else { return name }
        let letters = Array(name)
        var words: [String] = []
        for (at, letter) in letters.enumerated() {
            // A capital begins a word, unless it goes on a run of capitals; the last of such a run belongs to what follows.
            let begins =
                at == 0 || letter.isUppercase && (letters[at - 1].isLowercase || at + 1 < letters.count && letters[at + 1].isLowercase)
            if begins { words.append(String(letter)) } else { words[words.count - 1].append(letter) }
        }
        return words.map { word in
            ["API", "URL", "UID", "OSB", "GUID"].contains(word.uppercased())
                ? word.uppercased() : word.prefix(1).uppercased() + word.dropFirst()
        }.joined(separator: " ")
    }
}
