import Formats

/// A directory or file that a pod's containers can be shown.
package struct Volume: Hashable, Sendable {
    package var name: String
    package var source: Source

    /// Where the volume's content comes from.
    package enum Source: Hashable, Sendable {
        case emptyDir(medium: String, sizeLimit: Quantity?)
        /// `type` as Kubernetes' hostPath types; empty: unchecked.
        case hostPath(path: String, type: String)
        case configMap(name: String, Files)
        case secret(name: String, Files)
        case downwardAPI([DownwardFile], defaultMode: Int)
        case projected([Projection], defaultMode: Int)
        /// A kind of volume that Steady does not run; its field name.
        case unsupported(String)
    }

    /// Which keys become which files.
    package struct Files: Hashable, Sendable {
        /// Nil: every key as a file of its name.
        package var items: [Item]?
        package var defaultMode: Int
        package var isOptional: Bool

        /// One key and the file that it becomes.
        package struct Item: Hashable, Sendable {
            package var key: String
            package var path: String
            package var mode: Int?
        }

        init(_ value: Value, defaultMode: Int = 0o644) {
            items = value["items"].array?.map {
                Item(key: $0["key"].string ?? "", path: $0["path"].string ?? "", mode: $0["mode"].int.map { Int($0) })
            }
            self.defaultMode = value["defaultMode"].int.map { Int($0) } ?? defaultMode
            isOptional = value["optional"].bool ?? false
        }
    }

    /// A file with a field of the pod.
    package struct DownwardFile: Hashable, Sendable {
        package var path: String
        package var source: EnvVar.Source?
        package var mode: Int?

        init(_ value: Value) {
            path = value["path"].string ?? ""
            source = EnvVar(["valueFrom": value]).source
            mode = value["mode"].int.map { Int($0) }
        }
    }

    /// One of the sources of a projected volume.
    package enum Projection: Hashable, Sendable {
        case configMap(name: String, Files)
        case secret(name: String, Files)
        case downwardAPI([DownwardFile])
    }

    package init(_ value: Value) {
        name = value["name"].string ?? ""
        source = Self.source(value)
    }

    private static func source(_ value: Value) -> Source {
        if case .object = value["configMap"] { return .configMap(name: value["configMap"]["name"].string ?? "", Files(value["configMap"])) }
        if case .object = value["secret"] { return .secret(name: value["secret"]["secretName"].string ?? "", Files(value["secret"])) }
        if case .object = value["hostPath"] {
            return .hostPath(path: value["hostPath"]["path"].string ?? "", type: value["hostPath"]["type"].string ?? "")
        }
        if case .object = value["downwardAPI"] {
            let api = value["downwardAPI"]
            return .downwardAPI(api["items"].elements.map { DownwardFile($0) }, defaultMode: Int(api["defaultMode"].int ?? 0o644))
        }
        if case .object = value["projected"] {
            let mode = Int(value["projected"]["defaultMode"].int ?? 0o644)
            return .projected(value["projected"]["sources"].elements.compactMap { projection($0, defaultMode: mode) }, defaultMode: mode)
        }
        if case .object = value["emptyDir"] {
            return .emptyDir(medium: value["emptyDir"]["medium"].string ?? "", sizeLimit: Quantity(reading: value["emptyDir"]["sizeLimit"]))
        }
        if let other = value.object?.keys.first(where: { $0 != "name" }) { return .unsupported(other) }
        // Kubernetes: no source at all is an emptyDir.
        return .emptyDir(medium: "", sizeLimit: nil)
    }

    private static func projection(_ value: Value, defaultMode: Int) -> Projection? {
        if case .object = value["configMap"] {
            return .configMap(name: value["configMap"]["name"].string ?? "", Files(value["configMap"], defaultMode: defaultMode))
        }
        if case .object = value["secret"] {
            return .secret(name: value["secret"]["name"].string ?? "", Files(value["secret"], defaultMode: defaultMode))
        }
        if case .object = value["downwardAPI"] { return .downwardAPI(value["downwardAPI"]["items"].elements.map { DownwardFile($0) }) }
        return nil
    }
}
