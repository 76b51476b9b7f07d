import Formats

/// One variable of a container's environment.
package struct EnvVar: Hashable, Sendable {
    package var name: String
    package var value: String
    /// Instead of `value`.
    package var source: Source?

    /// Where the value comes from.
    package enum Source: Hashable, Sendable {
        /// A field of the pod: `status.podIP`, `metadata.labels['app']`.
        case field(path: String)
        /// A container's request or limit, counted in `divisor`.
        case resource(container: String, resource: String, divisor: Quantity)
        case configMapKey(name: String, key: String, isOptional: Bool)
        case secretKey(name: String, key: String, isOptional: Bool)
    }

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    package init(_ object: Value) {
        name = object["name"].string ?? ""
        value = object["value"].string ?? ""
        source = Self.source(object["valueFrom"])
    }

    private static func source(_ value: Value) -> Source? {
        guard !value.isNull else { return nil }
        if let path = value["fieldRef"]["fieldPath"].string { return .field(path: path) }
        let resource = value["resourceFieldRef"]
        if let name = resource["resource"].string {
            let divisor = Quantity(reading: resource["divisor"]) ?? Quantity(1)
            return .resource(
                container: resource["containerName"].string ?? "", resource: name, divisor: divisor == .zero ? Quantity(1) : divisor)
        }
        let map = value["configMapKeyRef"]
        if let key = map["key"].string {
            return .configMapKey(name: map["name"].string ?? "", key: key, isOptional: map["optional"].bool ?? false)
        }
        let secret = value["secretKeyRef"]
        if let key = secret["key"].string {
            return .secretKey(name: secret["name"].string ?? "", key: key, isOptional: secret["optional"].bool ?? false)
        }
        return nil
    }
}

/// All keys of a ConfigMap or Secret as variables.
package struct EnvFromSource: Hashable, Sendable {
    /// Where the value comes from.
    package enum Source: Hashable, Sendable {
        case configMap(String)
        case secret(String)
    }
    package var prefix: String
    /// Nil when the manifest names neither.
    package var source: Source?
    package var isOptional: Bool

    package init(_ value: Value) {
        prefix = value["prefix"].string ?? ""
        if let name = value["configMapRef"]["name"].string {
            source = .configMap(name)
        } else if let name = value["secretRef"]["name"].string {
            source = .secret(name)
        }
        isOptional = (value["configMapRef"]["optional"].bool ?? value["secretRef"]["optional"].bool) ?? false
    }
}
