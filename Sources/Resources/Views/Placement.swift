import Formats

/// Lets a pod onto nodes that bear a matching taint.
package struct Toleration: Hashable, Sendable {
    /// Empty with `Exists`: every key.
    package var key: String
    package var isExists: Bool
    package var value: String
    /// Empty: every effect.
    package var effect: String
    /// How long a NoExecute taint is borne; nil: for ever.
    package var tolerationSeconds: Int64?

    package init(_ object: Value) {
        key = object["key"].string ?? ""
        isExists = object["operator"].string == "Exists"
        value = object["value"].string ?? ""
        effect = object["effect"].string ?? ""
        tolerationSeconds = object["tolerationSeconds"].int
    }

    /// Whether a pod with this toleration may be on a node with that taint.
    package func tolerates(_ taint: Taint) -> Bool {
        if !effect.isEmpty, effect != taint.effect.rawValue { return false }
        if !key.isEmpty, key != taint.key { return false }
        return isExists || (!key.isEmpty && value == taint.value)
    }
}

/// Keeps pods away from a node, or drives them off it.
package struct Taint: Hashable, Sendable {
    /// What the taint does to pods that do not tolerate it.
    package enum Effect: String, Sendable {
        case noSchedule = "NoSchedule"
        case preferNoSchedule = "PreferNoSchedule"
        case noExecute = "NoExecute"
    }
    package var key: String
    package var value: String
    package var effect: Effect

    package init(_ key: String, value: String = "", _ effect: Effect) {
        self.key = key
        self.value = value
        self.effect = effect
    }

    package init(_ object: Value) {
        self.init(
            object["key"].string ?? "", value: object["value"].string ?? "",
            object["effect"].string.flatMap(Effect.init(rawValue:)) ?? .noSchedule)
    }

    package var wire: Value {
        var out: Value = ["key": .string(key), "effect": .string(effect.rawValue)]
        if !value.isEmpty { out["value"] = .string(value) }
        return out
    }

    /// `dedicated=web:NoSchedule`: how messages name it.
    package var text: String { "\(key)\(value.isEmpty ? "" : "=" + value):\(effect.rawValue)" }
}

/// How evenly pods must lie over zones or nodes.
package struct TopologySpreadConstraint: Hashable, Sendable {
    package var maxSkew: Int
    package var topologyKey: String
    /// False: ScheduleAnyway.
    package var isRequired: Bool
    /// Nil: selects nothing.
    package var labelSelector: LabelSelector?
    package var minDomains: Int?
    package var matchLabelKeys: [String]

    package init(_ value: Value) {
        maxSkew = Int(value["maxSkew"].int ?? 1)
        topologyKey = value["topologyKey"].string ?? ""
        isRequired = value["whenUnsatisfiable"].string != "ScheduleAnyway"
        labelSelector = value["labelSelector"].isNull ? nil : LabelSelector(object: value["labelSelector"])
        minDomains = value["minDomains"].int.map { Int($0) }
        matchLabelKeys = value["matchLabelKeys"].strings
    }
}

/// Which nodes and which neighbours a pod wants.
package struct Affinity: Hashable, Sendable {
    /// One of these terms must match; nil: any node will do.
    package var requiredNodeTerms: [NodeSelectorTerm]?
    package var preferredNodeTerms: [WeightedNodeTerm]

    /// A wish about nodes, and how much it weighs.
    package struct WeightedNodeTerm: Hashable, Sendable {
        package var weight: Int
        package var term: NodeSelectorTerm
    }

    package init(_ value: Value) {
        let node = value["nodeAffinity"]
        requiredNodeTerms = node["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"].array?.map { NodeSelectorTerm($0) }
        preferredNodeTerms = node["preferredDuringSchedulingIgnoredDuringExecution"].elements.map {
            WeightedNodeTerm(weight: Int($0["weight"].int ?? 1), term: NodeSelectorTerm($0["preference"]))
        }
    }
}

/// Requirements on a node's labels and name; all must hold. A term without any matches nothing.
package struct NodeSelectorTerm: Hashable, Sendable {
    /// One condition on one label of a node.
    package struct Requirement: Hashable, Sendable {
        /// How the label is compared.
        package enum Operator: String, Sendable {
            case `in` = "In"
            case notIn = "NotIn"
            case exists = "Exists"
            case doesNotExist = "DoesNotExist"
            case greater = "Gt"
            case less = "Lt"
        }
        package var key: String
        package var op: Operator
        package var values: [String]

        init(_ value: Value) {
            key = value["key"].string ?? ""
            op = value["operator"].string.flatMap(Operator.init(rawValue:)) ?? .in
            values = value["values"].strings
        }

        /// Whether what was found fulfils it.
        package func matches(_ found: String?) -> Bool {
            switch op {
            case .in: return found.map(values.contains) ?? false
            case .notIn: return !(found.map(values.contains) ?? false)
            case .exists: return found != nil
            case .doesNotExist: return found == nil
            case .greater, .less:
                guard let found = found.flatMap({ Int64($0) }), let bound = values.first.flatMap({ Int64($0) }) else { return false }
                return op == .greater ? found > bound : found < bound
            }
        }
    }

    package var expressions: [Requirement]
    /// Only `metadata.name` is a field.
    package var fields: [Requirement]

    package init(_ value: Value) {
        expressions = value["matchExpressions"].elements.map { Requirement($0) }
        fields = value["matchFields"].elements.map { Requirement($0) }
    }

    /// Whether what was found fulfils it.
    package func matches(labels: [String: String], name: String) -> Bool {
        if expressions.isEmpty, fields.isEmpty { return false }
        return expressions.allSatisfy { $0.matches(labels[$0.key]) } && fields.allSatisfy { $0.key == "metadata.name" && $0.matches(name) }
    }
}
