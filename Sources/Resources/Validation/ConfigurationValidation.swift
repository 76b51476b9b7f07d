import Formats

/// The rules of ConfigMaps and Secrets.
enum ConfigurationValidation {
    /// The largest sum of all values, as in Kubernetes.
    private static let byteLimit = 1024 * 1024

    static func check(configMap: Value, old: Value?, _ findings: inout Findings) {
        var byteCount = 0
        for field in ["data", "binaryData"] {
            guard case .object(let entries) = configMap[field] else { continue }
            for (key, value) in entries {
                if let problem = Names.configKeyProblem(key) { findings.at(field) { $0.invalid(key, .string(key), problem) } }
                let text = value.string ?? ""
                byteCount += field == "data" ? text.utf8.count : text.utf8.count / 4 * 3
                if field == "binaryData", !configMap["data"][key].isNull {
                    findings.at("data") { $0.invalid(key, .string(key), "duplicate of key present in binaryData") }
                }
            }
        }
        if byteCount > byteLimit { findings.tooLong("data", limit: byteLimit) }
        if let old { checkImmutable(configMap, old, ["data", "binaryData"], &findings) }
    }

    static func check(secret: Value, old: Value?, _ findings: inout Findings) {
        var byteCount = 0
        if case .object(let entries) = secret["data"] {
            for (key, value) in entries {
                if let problem = Names.configKeyProblem(key) { findings.at("data") { $0.invalid(key, .string(key), problem) } }
                byteCount += (value.string?.utf8.count ?? 0) / 4 * 3
            }
        }
        if byteCount > byteLimit { findings.tooLong("data", limit: byteLimit) }
        let needed: [String] =
            switch secret["type"].string {
            case "kubernetes.io/tls": ["tls.crt", "tls.key"]
            case "kubernetes.io/ssh-auth": ["ssh-privatekey"]
            case "kubernetes.io/dockercfg": [".dockercfg"]
            case "kubernetes.io/dockerconfigjson": [".dockerconfigjson"]
            default: []
            }
        for key in needed where secret["data"][key].isNull { findings.at("data") { $0.required(key) } }
        guard let old else { return }
        findings.immutable("type", secret, old)
        checkImmutable(secret, old, ["data"], &findings)
    }

    private static func checkImmutable(_ new: Value, _ old: Value, _ fields: [String], _ findings: inout Findings) {
        guard old["immutable"] == true else { return }
        if new["immutable"] != true { findings.forbidden("immutable", "field is immutable when `immutable` is set") }
        for field in fields where new[field] != old[field] && !(isEmpty(new[field]) && isEmpty(old[field])) {
            findings.forbidden(field, "field is immutable when `immutable` is set")
        }
    }

    private static func isEmpty(_ value: Value) -> Bool { value.object?.isEmpty ?? true }
}
