import Formats

/// A pod's volumes as `describe` shows them.
extension Description {
    mutating func volumes(_ spec: Value, indent: String) {
        let volumes = spec["volumes"].elements
        guard !volumes.isEmpty else { return line(0, indent + "Volumes:\t<none>") }
        line(0, indent + "Volumes:")
        for volume in volumes {
            line(1, "\(indent.isEmpty ? "" : " ")\(volume["name"].plainText):")
            for (name, text) in Self.source(volume) { field(name, text, level: 2) }
            guard !volume["downwardAPI"].isNull else { continue }
            line(2, "Items:")
            for item in volume["downwardAPI"]["items"].elements {
                let from = item["fieldRef"]["fieldPath"].string ?? item["resourceFieldRef"]["resource"].plainText
                line(3, "\(from) -> \(item["path"].plainText)")
            }
        }
    }

    private static func source(_ volume: Value) -> [(String, String)] {
        if !volume["configMap"].isNull {
            return [
                ("Type", "ConfigMap (a volume populated by a ConfigMap)"), ("Name", volume["configMap"]["name"].plainText),
                ("Optional", "\(volume["configMap"]["optional"].bool ?? false)"),
            ]
        }
        if !volume["secret"].isNull {
            return [
                ("Type", "Secret (a volume populated by a Secret)"), ("SecretName", volume["secret"]["secretName"].plainText),
                ("Optional", "\(volume["secret"]["optional"].bool ?? false)"),
            ]
        }
        if !volume["emptyDir"].isNull {
            return [
                ("Type", "EmptyDir (a temporary directory that shares a pod's lifetime)"),
                ("Medium", volume["emptyDir"]["medium"].plainText), ("SizeLimit", volume["emptyDir"]["sizeLimit"].string ?? "<unset>"),
            ]
        }
        if !volume["hostPath"].isNull {
            return [
                ("Type", "HostPath (bare host directory volume)"), ("Path", volume["hostPath"]["path"].plainText),
                ("HostPathType", volume["hostPath"]["type"].plainText),
            ]
        }
        if !volume["downwardAPI"].isNull {
            return [("Type", "DownwardAPI (a volume populated by information about the pod)")]
        }
        if !volume["projected"].isNull {
            return [("Type", "Projected (a volume that contains injected data from multiple sources)")]
                + volume["projected"]["sources"].elements.flatMap(projected)
        }
        return []
    }

    private static func projected(_ source: Value) -> [(String, String)] {
        for (key, title) in [("secret", "SecretName"), ("configMap", "ConfigMapName")] where !source[key].isNull {
            return [(title, source[key]["name"].plainText), ("Optional", "\(source[key]["optional"].bool ?? false)")]
        }
        return source["downwardAPI"].isNull ? [] : [("DownwardAPI", "true")]
    }
}
